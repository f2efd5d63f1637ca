/** Times in Go's reference notation, as Packer's `isotime` takes it: the layout shows how `Mon Jan 2 15:04:05 MST 2006` would look. */

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
// Longest first where one begins like another.
const tokens = /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|002|__2|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5/g;

/** Formats a moment in UTC by a Go layout; RFC 3339 with seconds when left out. */
export function formatGoTime(date: Date, layout = '2006-01-02T15:04:05Z07:00'): string {
  const pad = (n: number, width = 2, fill = '0'): string => String(n).padStart(width, fill);
  const month = months[date.getUTCMonth()]!, weekday = days[date.getUTCDay()]!, day = date.getUTCDate(), hour = date.getUTCHours();
  const dayOfYear = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
  const fraction = pad(date.getUTCMilliseconds(), 3);
  const values: { readonly [token: string]: string } = {
    January: month, Jan: month.slice(0, 3), Monday: weekday, Mon: weekday.slice(0, 3), MST: 'UTC',
    '2006': pad(date.getUTCFullYear(), 4), '06': pad(date.getUTCFullYear() % 100), '01': pad(date.getUTCMonth() + 1), '1': String(date.getUTCMonth() + 1),
    '02': pad(day), '_2': pad(day, 2, ' '), '2': String(day), '002': pad(dayOfYear, 3), '__2': pad(dayOfYear, 3, ' '),
    '15': pad(hour), '03': pad(hour % 12 || 12), '3': String(hour % 12 || 12), PM: hour < 12 ? 'AM' : 'PM', pm: hour < 12 ? 'am' : 'pm',
    '04': pad(date.getUTCMinutes()), '4': String(date.getUTCMinutes()), '05': pad(date.getUTCSeconds()), '5': String(date.getUTCSeconds()),
    'Z07:00:00': 'Z', Z070000: 'Z', 'Z07:00': 'Z', Z0700: 'Z', Z07: 'Z', '-07:00:00': '+00:00:00', '-070000': '+000000', '-07:00': '+00:00', '-0700': '+0000', '-07': '+00',
  };
  return layout.replace(tokens, token => {
    if (/^[.,]0/.test(token)) return token[0] + fraction.padEnd(token.length - 1, '0').slice(0, token.length - 1);
    if (/^[.,]9/.test(token)) {
      const digits = fraction.slice(0, token.length - 1).replace(/0+$/, '');
      return digits === '' ? '' : token[0] + digits;
    }
    return values[token]!;
  });
}
