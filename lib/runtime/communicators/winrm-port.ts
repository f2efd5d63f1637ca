/** The port of a guest's WinRM service, where nobody is connected yet. */
export const winrmPort = ({ port, useSsl }: { readonly port?: number; readonly useSsl: boolean }): number => port ?? (useSsl ? 5986 : 5985);
