export function build(): void {
  const a = {;
}
