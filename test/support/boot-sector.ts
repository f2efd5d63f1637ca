/** Guests of 512 bytes: a disk whose boot sector says something on the serial console and then hangs, or switches the machine off. */

interface Options {
  /** Waits for a key first, after the text, and then for half a second. */
  readonly key?: boolean;
  /** Leaves QEMU by its debug port (give it `-device isa-debug-exit,iobase=0xf4,iosize=1`). */
  readonly exit?: boolean;
  /** Writes what is typed to the serial console, until Enter. */
  readonly echoes?: boolean;
  /** Switches the machine off: after five seconds, or when a byte comes in at its second serial port. */
  readonly powerOff?: 'later' | 'when told';
  readonly size?: number;
}
/** Without `exit` or `powerOff` it stops for ever. */
export function bootSector(text: string, options: Options = {}): Buffer {
  const image = Buffer.alloc(options.size ?? 1024 * 1024);
  const off = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef];   // the power management's port: sleep state 5
  const told = [
    0xba, 0xfd, 0x02,                   // dx = status of COM2
    0xec, 0xa8, 0x01, 0x75, 0x04,       // something came in
    0xfb, 0xf4, 0xeb, 0xf7,             // sleep until the next tick of the clock
  ];
  const later = [0xfb, 0xb9, 0x5a, 0x00, 0xf4, 0xe2, 0xfd];   // ninety ticks of the clock
  const echo = [
    0xb4, 0x00, 0xcd, 0x16,             // wait for a key
    0x3c, 0x0d, 0x74, 0x06,             // Enter ends it
    0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf2, // write it
  ];
  const after = [
    ...(options.key === true ? [0x31, 0xc0, 0xcd, 0x16, 0xb4, 0x86, 0xb9, 0x07, 0x00, 0xba, 0x20, 0xa1, 0xcd, 0x15] : []),
    ...(options.echoes === true ? echo : []),
    ...(options.powerOff === 'later' ? [...later, ...off] : options.powerOff === 'when told' ? [...told, ...off] : options.exit === true ? [0xb0, 0x00, 0xe6, 0xf4] : []),
  ];
  const code = [
    0x31, 0xc0, 0x8e, 0xd8,             // ds = 0
    0xba, 0xf8, 0x03,                   // dx = COM1
    0xbe, 0x00, 0x7c,                   // si = the text, below
    0xac, 0x84, 0xc0, 0x74, 0x03,       // next character; 0 ends it
    0xee, 0xeb, 0xf8,                   // write it
    ...after,
    0xf4, 0xeb, 0xfd,                   // halt
  ];
  code[8] = code.length;
  image.set(code, 0);
  image.write(`${text}\0`, code.length, 'latin1');
  image.set([0x55, 0xaa], 510);
  return image;
}
