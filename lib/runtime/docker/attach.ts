/** An interactive shell in a container, on this terminal. */
import type { Engine } from './engine.js';

/** Runs /bin/sh (bash where there is one) until it ends; its exit code. */
export async function attachShell(engine: Engine, container: string, user: string | undefined): Promise<number> {
  const exec = await engine.call('open a shell', d => d.getContainer(container).exec({
    Cmd: ['/bin/sh', '-c', 'command -v bash >/dev/null && exec bash -l || exec sh -l'], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true,
    Env: [`TERM=${process.env['TERM'] ?? 'xterm'}`], ...(user === undefined ? {} : { User: user }),
  }));
  const stream = await engine.call('open a shell', () => exec.start({ hijack: true, stdin: true, Tty: true }));
  const resize = (): void => { void exec.resize({ w: process.stdout.columns ?? 80, h: process.stdout.rows ?? 24 }).catch(() => {}); };
  resize();
  process.stdout.on('resize', resize);
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.pipe(stream);
  stream.pipe(process.stdout, { end: false });
  try {
    await new Promise<void>((done, failed) => { stream.once('end', done); stream.once('close', done); stream.once('error', failed); });
  } finally {
    process.stdin.unpipe(stream);
    process.stdin.pause();
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdout.off('resize', resize);
  }
  return (await engine.call('ask how the shell ended', () => exec.inspect())).ExitCode ?? 1;
}
