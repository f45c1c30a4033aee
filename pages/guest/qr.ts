import { encodeQR } from 'qr';

const svgNamespace = 'http://www.w3.org/2000/svg';
const quietModules = 4;

/** The pass as a QR code with its quiet zone: black on white whatever the page's colours are. Null: it is none. */
export function drawPass(pass: string): SVGSVGElement | null {
  const rows = encoded(pass);
  if (rows === null) return null;
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.append(shape(`M0 0h${rows.length}v${rows.length}H0z`, '#fff'), shape(darkRuns(rows), '#000'));
  return svg;
}

function encoded(pass: string): boolean[][] | null {
  try {
    return encodeQR(pass, 'raw', { ecc: 'quartile', encoding: 'alphanumeric', border: quietModules });
  } catch {
    return null;
  }
}

function shape(d: string, fill: string): SVGPathElement {
  const path = document.createElementNS(svgNamespace, 'path');
  path.setAttribute('d', d);
  path.setAttribute('fill', fill);
  return path;
}

/** One rectangle for each horizontal run of dark modules. */
function darkRuns(rows: boolean[][]): string {
  let d = '';
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x++;
      d += `M${start} ${y}h${x + 1 - start}v1H${start}z`;
    }
  }
  return d;
}
