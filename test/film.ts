import { closeSync, openSync, writeSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

/** A picture without colours: a byte a pixel, 0 is black. */
export interface Picture {
  width: number;
  height: number;
  luma: Uint8Array;
}

const grey = 128; // both colour differences of no colour

/** What a PNG of one bit a pixel and without filters shows, such as those of our QR codes. */
export function pictureOf(png: Buffer): Picture {
  const chunks: Record<string, Buffer[]> = {};
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString('latin1', at + 4, at + 8);
    const chunk = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    chunks[type] = [...(chunks[type] ?? []), chunk];
  }
  const [header] = chunks['IHDR'] ?? [];
  if (header?.[8] !== 1 || header[9] !== 0) throw new Error('not a PNG of one bit a pixel');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const lines = inflateSync(Buffer.concat(chunks['IDAT'] ?? []));
  const lineBytes = 1 + Math.ceil(width / 8);
  const luma = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    const byte = lines[y * lineBytes + 1 + (x >> 3)] ?? 0;
    return (byte >> (7 - (x & 7))) & 1 ? 255 : 0;
  });
  return { width, height, luma };
}

/** The picture in the middle of a wider one, `side` pixels high and wide, on a background as bright as a wall. */
export function heldUp(
  picture: Picture,
  { width, height, side }: { width: number; height: number; side: number },
) {
  const luma = new Uint8Array(width * height).fill(150);
  const [left, top] = [(width - side) >> 1, (height - side) >> 1];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [fromX, fromY] = [x, y].map((at) => Math.floor((at * picture.width) / side)) as [number, number];
      luma[(top + y) * width + left + x] = picture.luma[fromY * picture.width + fromX] ?? 0;
    }
  }
  return { width, height, luma };
}

/** Writes a film (YUV4MPEG2, 4:2:0, 20 pictures a second) of these, one after the other. */
export function writeFilm(file: string, pictures: readonly Picture[]): void {
  const [{ width, height } = { width: 0, height: 0 }] = pictures;
  const colours = Buffer.alloc((width * height) >> 1, grey);
  const film = openSync(file, 'w');
  writeSync(film, `YUV4MPEG2 W${width} H${height} F20:1 Ip A1:1 C420jpeg\n`);
  for (const { luma } of pictures) writeSync(film, Buffer.concat([Buffer.from('FRAME\n'), luma, colours]));
  closeSync(film);
}
