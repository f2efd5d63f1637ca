/** Which boot a Windows guest is in: by the time it booted. */
import { powershellCommand } from '../guest/powershell.js';

/** What a guest is asked; it prints the time in the form of WMI. */
export const windowsBootQuestion = powershellCommand('[Console]::Out.Write((Get-WmiObject Win32_OperatingSystem).LastBootUpTime)');

/** Seconds since 1970 of `20260131120000.500000+060`, as text; undefined where it is no time. */
export function bootTime(answer: string): string | undefined {
  const match = /(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.\d+([+-]\d{3})/.exec(answer);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second, offset] = match.slice(1).map(Number) as [number, number, number, number, number, number, number];
  return String(Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset * 60);
}

/** Whether two boot times are of one boot: a clock that is set right moves it by a little. */
export const sameBoot = (a: string, b: string): boolean => a === b || (/^\d+$/.test(a) && /^\d+$/.test(b) && Math.abs(Number(a) - Number(b)) < 20);
