import { createDecode } from './decode.ts';

/** The same text within this time of its last sighting is one presentation: it is held up for longer than a frame. */
const sightingWindowMs = 3000;
const sightingsMax = 32;
/** Nine times a second, and never more than half of the time. */
const intervalMs = 110;

/** What was read: for the first time, or still there. */
export type OnSeen = (text: string, isNew: boolean) => void;

/** Looks at the picture again and again. `data-decode-ms` of the element says what a look costs. */
export async function scan(video: HTMLVideoElement, onSeen: OnSeen): Promise<never> {
  const decode = await createDecode();
  const sightings = new Map<string, number>();
  let costMs = 0;
  for (;;) {
    await pause(Math.max(intervalMs - costMs, costMs));
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || document.hidden) continue;
    const began = performance.now();
    const text = await decode(video);
    const now = performance.now();
    costMs = costMs === 0 ? now - began : costMs * 0.9 + (now - began) * 0.1;
    video.dataset['decodeMs'] = costMs.toFixed(1);
    if (text !== null && text !== '') onSeen(text, isNew(sightings, text, now));
  }
}

/** Whether the text was not there just now; either way it has been seen now. The map is in the order of last sighting. */
export function isNew(sightings: Map<string, number>, text: string, now: number): boolean {
  const last = sightings.get(text);
  sightings.delete(text);
  for (const [seen, at] of sightings) {
    if (now - at < sightingWindowMs && sightings.size < sightingsMax) break;
    sightings.delete(seen);
  }
  sightings.set(text, now);
  return last === undefined || now - last >= sightingWindowMs;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
