/** A door: what connects to one address reaches a server at another. */
import { connect, createServer } from 'node:net';

/** Listens at `address:port` and leads to `to`. Returns what closes it. */
export async function openDoor(address: string, port: number, to: { readonly host: string; readonly port: number }): Promise<() => void> {
  const door = createServer(socket => {
    const inside = connect(to.port, to.host);
    socket.on('error', () => inside.destroy());
    inside.on('error', () => socket.destroy());
    socket.pipe(inside).pipe(socket);
  });
  await new Promise<void>((resolve, reject) => { door.once('error', reject); door.listen(port, address, resolve); });
  return () => { door.close(); };
}
