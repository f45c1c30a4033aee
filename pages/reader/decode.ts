import { decodeQR } from 'qr/decode.js';

/** Reads the QR code in what the camera sees now; null: there is none. */
export type Decode = (video: HTMLVideoElement) => Promise<string | null>;

/** The middle of the picture, this wide and high: two or three pixels to a module of a pass that fills half of it. */
const decodedPx = 640;

/** The browser's own decoder where there is one, and ours where there is none or it fails. */
export async function createDecode(): Promise<Decode> {
  const ours = createOwnDecode();
  const detector = await browserDetector();
  if (detector === null) return ours;
  let isTrusted = true;
  return async (video) => {
    if (!isTrusted) return ours(video);
    try {
      const found = await detector.detect(video);
      const texts = found.map(({ rawValue }) => rawValue);
      return texts.find((text) => text.startsWith('PSN1:')) ?? texts[0] ?? null;
    } catch {
      isTrusted = false;
      return ours(video);
    }
  };
}

function createOwnDecode(): Decode {
  const canvas = document.createElement('canvas');
  canvas.width = decodedPx;
  canvas.height = decodedPx;
  const pen = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
  return async (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    const side = Math.min(width, height);
    if (pen === null || side === 0) return null;
    pen.drawImage(video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, decodedPx, decodedPx);
    try {
      return decodeQR(pen.getImageData(0, 0, decodedPx, decodedPx));
    } catch {
      return null; // there is none, or it is torn
    }
  };
}

/** Part of the Shape Detection API (W3C community draft), which TypeScript does not know. */
interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

async function browserDetector(): Promise<Detector | null> {
  const { BarcodeDetector } = window as { BarcodeDetector?: DetectorClass }; // where the browser has one
  try {
    const formats = (await BarcodeDetector?.getSupportedFormats()) ?? [];
    return BarcodeDetector && formats.includes('qr_code')
      ? new BarcodeDetector({ formats: ['qr_code'] })
      : null;
  } catch {
    return null;
  }
}
