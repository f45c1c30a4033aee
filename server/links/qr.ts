import { crc32, deflateSync } from 'node:zlib';
import { encodeQR } from 'qr';

/** ISO/IEC 18004 asks for four light modules around the code. */
const quietZone = 4;
const defaultScale = 8;
const options = { ecc: 'quartile', encoding: 'alphanumeric' } as const;

/**
 * The pass as a PNG (RFC 2083): black on white, never transparent, whole pixels to a module. `sizePx`: the width that
 * is wanted; the answer is the largest whole scale that fits, and at least one pixel to a module.
 */
export function qrPng(pass: string, sizePx?: number): Buffer {
  const modules = encodeQR(pass, 'raw', { ...options, border: quietZone });
  const scale = sizePx === undefined ? defaultScale : Math.max(1, Math.floor(sizePx / modules.length));
  return encodePng(modules, scale);
}

/** The pass as an SVG that scales to any size, with a white background of its own. */
export function qrSvg(pass: string, sizePx?: number): string {
  const modules = encodeQR(pass, 'raw', { ...options, border: quietZone });
  const path = modules
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('');
  const size = sizePx === undefined ? '' : ` width="${sizePx}" height="${sizePx}"`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${modules.length} ${modules.length}"${size} ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${modules.length}v${modules.length}H0z"/>` +
    `<path d="${path}"/></svg>\n`
  );
}

/** The pass as half-block characters, black on white whatever the terminal's colours are. */
export function qrBlocks(pass: string): string {
  return blocks(encodeQR(pass, 'raw', { ...options, border: quietZone }));
}

/** A link's address for a phone's camera, in the same way; null where the terminal has fewer columns than it takes. */
export function addressBlocks(url: string, columns: number): string | null {
  const modules = encodeQR(url, 'raw', { ecc: 'low', border: quietZone });
  return modules.length > columns ? null : blocks(modules);
}

function blocks(modules: readonly (readonly boolean[])[]): string {
  const lines: string[] = [];
  for (let y = 0; y < modules.length; y += 2) {
    const cells = (modules[y] ?? []).map((top, x) => halfBlock(top, modules[y + 1]?.[x] ?? false));
    lines.push(`\u001b[30;107m${cells.join('')}\u001b[0m`);
  }
  return lines.join('\n');
}

function halfBlock(top: boolean, bottom: boolean): string {
  if (top && bottom) return '█';
  if (top) return '▀';
  return bottom ? '▄' : ' ';
}

/** One bit a pixel: a tenth of the bytes and of the time of a library's full colour. */
function encodePng(modules: readonly (readonly boolean[])[], scale: number): Buffer {
  const width = modules.length * scale;
  const rows = modules.flatMap((row) => {
    const line = Buffer.alloc(1 + Math.ceil(width / 8), 0xff);
    line[0] = 0; // no filter
    for (let x = 0; x < width; x++) {
      if (row[Math.floor(x / scale)]) line[1 + (x >> 3)] = (line[1 + (x >> 3)] ?? 0) & ~(0x80 >> (x & 7));
    }
    return Array<Buffer>(scale).fill(line);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  header.set([1, 0, 0, 0, 0], 8); // depth 1, greyscale, deflate, adaptive filters, not interlaced
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.concat(rows))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
