import { readFile, stat } from 'node:fs/promises';
import { Problem } from './problem.ts';

export const pictureBytesMax = 20 * 1024 * 1024;

/** The text of the QR code in a PNG or JPEG file. Throws a Problem when there is none to be found. */
export async function textInPicture(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > pictureBytesMax)
    throw new Problem(`${path} is larger than ${pictureBytesMax / 1024 / 1024} MiB.`);
  const picture = await readFile(path);
  if (!isPngOrJpeg(picture)) throw new Problem(`${path} is no picture that can be read: PNG and JPEG can.`);
  const text = await decoded(picture);
  if (text === null) throw new Problem(`There is no QR code to be found in ${path}.`);
  return text;
}

function isPngOrJpeg(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 8)).toString('hex');
  return start === '89504e470d0a1a0a' || start.startsWith('ffd8ff');
}

async function decoded(picture: Uint8Array): Promise<string | null> {
  // Loaded when needed: the decoder is a megabyte, and most texts come without a picture.
  const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
  const wasm = await readFile(new URL(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
  // Given here, because the package would otherwise fetch it from the network.
  prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer } });
  try {
    const [code] = await readBarcodes(picture, {
      formats: ['QRCode'],
      textMode: 'Plain',
      maxNumberOfSymbols: 1,
    });
    return code?.isValid ? code.text : null;
  } catch {
    return null;
  }
}
