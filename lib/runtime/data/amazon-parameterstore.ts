import type { amazonParameterstore } from '../../constructs/data/amazon-parameterstore.js';
import { errors, exitCodes } from '../../errors.js';
import { reading } from '../aws/reading.js';
import { isGone } from '../aws/refusals.js';
import { ssmOf } from '../aws/ssm.js';
import type { DataDriver } from '../driver.js';

const fail = errors('PARAMETER', {
  NOT_THERE: { message: (name: string, region: string) => `There is no parameter '${name}' in ${region}.`, remedy: 'Look at its name, which begins with / where it has parts, and at the region.', exit: exitCodes.preflight },
  SECURE: {
    message: (name: string) => `The parameter '${name}' is a SecureString, and the data source is not declared sensitive.`,
    remedy: 'Set sensitive: true: then its value is neither printed nor recorded.', exit: exitCodes.problems,
  },
});

export default {
  read: (props, ctx) => reading(props, ctx, async session => {
    const answer = await ssmOf(session)('GetParameter', { Name: props.name, WithDecryption: props.withDecryption }).catch(error => { if (isGone(error)) throw fail.NOT_THERE(props.name, session.region, { cause: error }); throw error; });
    const { Value = '', Type, Version, ARN = '' } = answer.Parameter ?? {};
    if (Type === 'SecureString') {
      ctx.secret(Value);
      if (ctx.sensitive?.includes('value') !== true) throw fail.SECURE(props.name);
    }
    return { value: Value, version: String(Version ?? ''), arn: ARN };
  }),
} satisfies DataDriver<typeof amazonParameterstore>;
