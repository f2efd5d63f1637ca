import type { Construct } from 'constructs';
import { field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { Duration, type Ref } from '../../values.js';
import { DataSource, type DataSettings } from '../component.js';

export const httpData = data('http', {
  /** Address to read. */
  url: field.url({ required: true }),
  /**
   * Request method.
   * @default 'GET'
   */
  method: field.oneOf(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], { default: 'GET' }),
  /** Headers to send. */
  requestHeaders: field.map(field.sensitiveString()),
  /** Body to send. */
  requestBody: field.sensitiveString(),
  /** What the body's SHA-256 must be, in hexadecimal; another body is an error. */
  sha256: field.string({ packerName: false, check: (value: string) => (/^[0-9a-fA-F]{64}$/.test(value) ? undefined : 'needs 64 hexadecimal digits') }),
  /**
   * Time for one try; there are four.
   * @default 30 seconds
   */
  timeout: field.duration({ default: Duration.seconds(30), affects: 'none', packerName: false }),
}, {
  outputs: {
    /** The body, as text. */
    body: field.string({ required: true }),
    /** The body, read as JSON; null where it is none. */
    json: field.json({ required: true, packerName: false }),
    /** Headers of the answer, names in small letters. */
    responseHeaders: field.map(field.string(), { required: true, packerName: false }),
    /** The address that answered, after redirects. */
    url: field.string({ required: true }),
  },
});

export interface HttpDataProps extends PropsOf<typeof httpData.fields>, DataSettings {}
/** Reads something from a web server. T: what its JSON is, for `member(data.outputs.json, 'name')`. Any answer but a 2xx is an error. */
export class HttpData<T = unknown> extends DataSource<typeof httpData> {
  declare readonly outputs: DataSource<typeof httpData>['outputs'] & { readonly json: Ref<T> };
  constructor(scope: Construct, id: string, props: HttpDataProps) { super(scope, id, httpData, props); }
}
