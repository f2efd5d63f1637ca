/** Guests of 512 bytes: a disk whose boot sector says something on the serial console and then hangs, or switches the machine off. */

/** `key`: waits for a key first, after the text, and then for half a second. `exit`: leaves QEMU by its debug port (give it `-device isa-debug-exit,iobase=0xf4,iosize=1`). Without: stops for ever. */
export function bootSector(text: string, options: { readonly key?: boolean; readonly exit?: boolean; readonly size?: number } = {}): Buffer {
  const image = Buffer.alloc(options.size ?? 1024 * 1024);
  const after = [...(options.key === true ? [0x31, 0xc0, 0xcd, 0x16, 0xb4, 0x86, 0xb9, 0x07, 0x00, 0xba, 0x20, 0xa1, 0xcd, 0x15] : []), ...(options.exit === true ? [0xb0, 0x00, 0xe6, 0xf4] : [])];
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
