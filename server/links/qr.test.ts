import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inflateSync } from 'node:zlib';
import { encodeBase45 } from '../../domain/base45.ts';
import { passPrefix } from '../../domain/pass.ts';
import { qrBlocks, qrPng, qrSvg } from './qr.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-qr-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A text like a pass of so many bytes: what matters here are its letters and its length. */
const passOf = (bytes: number) => passPrefix + encodeBase45(randomBytes(bytes));

/** What zbar, which shares no code with the encoder, reads in the pictures, in their order. */
function read(pictures: readonly Buffer[]): string[] {
  return pictures.map((picture, number) => {
    const file = join(folder, `${number}.png`);
    writeFileSync(file, picture);
    const { status, stdout, stderr } = spawnSync('zbarimg', ['-q', '--raw', file], { encoding: 'latin1' });
    assert.equal(status, 0, stderr);
    return stdout.replace(/\n$/, '');
  });
}

/** The picture as rows of dark and light pixels, read from the PNG's bytes; throws when it is not the plain kind. */
function pixelsOf(png: Buffer): boolean[][] {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  assert.deepEqual(
    [...png.subarray(24, 29)],
    [1, 0, 0, 0, 0],
    'one bit a pixel, greyscale: nothing transparent',
  );
  const dataAt = png.indexOf('IDAT') + 4;
  const data = inflateSync(png.subarray(dataAt, dataAt + png.readUInt32BE(dataAt - 8)));
  const rowBytes = 1 + Math.ceil(width / 8);
  return Array.from({ length: height }, (_, y) => {
    const row = data.subarray(y * rowBytes, (y + 1) * rowBytes);
    assert.equal(row[0], 0, 'no filter');
    return Array.from({ length: width }, (_, x) => (((row[1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1) === 0);
  });
}

/** The dark modules that the SVG draws. */
function modulesOf(svg: string): boolean[][] {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const modules = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const path = /<path d="([^"]*)"\/>/.exec(svg)?.[1] ?? '';
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    const row = modules[Number(y)];
    assert.ok(row && Number(x) < size);
    row[Number(x)] = true;
  }
  return modules;
}

describe('the QR code as a PNG', () => {
  it('reads as exactly the pass, in every length that a pass has', () => {
    const passes = [111, 116, 120, 127, 140, 155].flatMap((bytes) => [passOf(bytes), passOf(bytes)]);
    assert.deepEqual(read(passes.map((pass) => qrPng(pass))), passes);
  });

  it('reads as exactly the pass with spaces in it, two in a row too', () => {
    const pass = `${passPrefix}A  B ${encodeBase45(randomBytes(100))}`;
    assert.deepEqual(read([qrPng(pass)]), [pass]);
  });

  it('reads in every size that may be asked for', () => {
    const pass = passOf(120);
    // Below two pixels to a module no camera sees anything; the decoder does not either.
    const pictures = [150, 300, 512, 2048].map((size) => qrPng(pass, size));
    assert.deepEqual(read(pictures), [pass, pass, pass, pass]);
  });

  it('is as large as it can be in whole pixels to a module, and never larger than asked for', () => {
    const pass = passOf(120);
    const modules = pixelsOf(qrPng(pass, 1)).length;
    for (const size of [64, 100, modules, modules * 2 - 1, modules * 2, 300, 1000, 2048]) {
      const width = pixelsOf(qrPng(pass, size)).length;
      assert.equal(width, modules * Math.max(1, Math.floor(size / modules)), `${size} pixels`);
    }
  });

  it('is light all around, four modules wide', () => {
    const pixels = pixelsOf(qrPng(passOf(120), 1));
    const last = pixels.length - 1;
    for (const [y, row] of pixels.entries()) {
      for (const [x, dark] of row.entries()) {
        if (Math.min(x, y, last - x, last - y) < 4) assert.ok(!dark, `dark at ${x}, ${y}`);
      }
    }
    assert.ok(pixels[4]?.[4], 'the first finder begins right after');
  });
});

describe('the QR code as an SVG', () => {
  it('draws the same modules as the PNG, on white of its own', () => {
    const pass = passOf(120);
    const svg = qrSvg(pass);
    assert.deepEqual(modulesOf(svg), pixelsOf(qrPng(pass, 1)));
    const size = modulesOf(svg).length;
    assert.ok(svg.indexOf(`<path fill="#fff" d="M0 0h${size}v${size}H0z"/>`) < svg.indexOf('<path d="M'));
    assert.ok(svg.includes('<path fill="#fff"'));
  });

  it('has the size that is asked for, or none of its own', () => {
    assert.match(qrSvg(passOf(120), 300), / width="300" height="300" /);
    assert.doesNotMatch(qrSvg(passOf(120)), / width=/);
  });

  it('holds nothing that could run or load', () => {
    assert.doesNotMatch(qrSvg(passOf(155)), /<script|<style|href|url\(|<!|on\w+=/i);
  });
});

describe('the QR code in a terminal', () => {
  it('draws the same modules, two rows to a line', () => {
    const pass = passOf(120);
    const [black, end] = ['\u001b[30;107m', '\u001b[0m'];
    const lines = qrBlocks(pass)
      .split('\n')
      .map((line) => {
        assert.ok(line.startsWith(black) && line.endsWith(end));
        return line.slice(black.length, -end.length);
      });
    const rows = lines.flatMap((line) => [
      [...line].map((cell) => cell === '█' || cell === '▀'),
      [...line].map((cell) => cell === '█' || cell === '▄'),
    ]);
    const pixels = pixelsOf(qrPng(pass, 1));
    assert.deepEqual(rows.slice(0, pixels.length), pixels);
  });
});
