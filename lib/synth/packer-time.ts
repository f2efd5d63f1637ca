/** Go's time layouts in HCL's formatdate notation. */

const words: { readonly [token: string]: string } = {
  January: 'MMMM', Jan: 'MMM', Monday: 'EEEE', Mon: 'EEE', '2006': 'YYYY', '06': 'YY', '01': 'MM', '02': 'DD', '15': 'hh', '03': 'HH', PM: 'AA', pm: 'aa', '04': 'mm', '05': 'ss', 'Z07:00': 'Z',
};
// Those that formatdate has no verb for make the whole layout untranslatable.
const tokens = /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|002|__2|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5/g;

/** `2006-01-02` -> `YYYY-MM-DD`; undefined where formatdate cannot say it. */
export function formatdateOf(layout: string): string | undefined {
  let out = '', last = 0;
  for (const match of layout.matchAll(tokens)) {
    const word = words[match[0]];
    if (word === undefined) return undefined;
    out += literal(layout.slice(last, match.index)) + word;
    last = match.index + match[0].length;
  }
  return out + literal(layout.slice(last));
}

/** Letters must be quoted, and a quote is two; the rest stands as it is. */
function literal(text: string): string {
  return text.replace(/[A-Za-z']+/g, run => `'${run.replaceAll("'", "''")}'`);
}
