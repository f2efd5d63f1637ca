import type { environmentData } from '../../constructs/data/environment.js';
import { errors } from '../../errors.js';
import type { DataDriver } from '../driver.js';

const fail = errors('DATA_ENVIRONMENT', {
  NOT_SET: { message: (name: string) => `The environment variable ${name} is not set.`, remedy: (name: string) => `Set ${name} for the process that builds, or give the data source a default.` },
});

export default {
  async read(props, ctx) {
    const value = ctx.environment[props.name] ?? props.default;
    if (value === undefined) throw fail.NOT_SET(props.name);
    return { value };
  },
} satisfies DataDriver<typeof environmentData>;
