import { part } from '../guest/dom.ts';
import { type Camera, closeCamera, openCamera, rememberOtherCamera } from './camera.ts';
import { enrollWith, takeCode } from './enrolling.ts';
import { type Enrollment, keptEnrollment } from './keys.ts';
import { Line } from './line.ts';
import { render } from './render.ts';
import { scan } from './scanning.ts';
import { isRunning, newState, type State } from './state.ts';
import { allowSound, isAudible, playDenied, playGranted } from './tones.ts';
import * as words from './words.ts';

/** How long a result is shown. */
const resultMs = 2500;
/** How long a code counts as held up after it was last seen. */
const stillThereMs = 700;
const cameraRetryMs = 3000;
/** Set once somebody has tapped Start: then it starts by itself, after a power cut too, if the camera is allowed for good. */
const startedName = 'postern-reader-started';

const state = newState();
const video = part(document, 'video') as HTMLVideoElement; // as the page's HTML has it
let line: Line | null = null;
let camera: Camera | null = null;
let isScanning = false;
let seenAt = 0;

function show(change: Partial<State>): void {
  Object.assign(state, change, { isSilent: !isAudible() });
  render(state);
}

void begin();

async function begin(): Promise<void> {
  document.title = words.title;
  const code = takeCode();
  if (!window.isSecureContext) return show({ view: 'insecure' });
  show({});
  const problem = code === null ? '' : await enrollByCode(code);
  if (line !== null) return;
  const kept = await keptEnrollment();
  // A kiosk opens the address that it was set up with, its used code and all.
  if (kept !== null) return useEnrollment(kept);
  show({ view: 'code', problem });
}

/** Answers what went wrong; empty: nothing. */
async function enrollByCode(code: string): Promise<string> {
  show({ isEnrolling: true, problem: '' });
  const enrolled = await enrollWith(code);
  show({ isEnrolling: false });
  if (!enrolled.ok) return enrolled.problem;
  await useEnrollment(enrolled.enrollment);
  return '';
}

async function useEnrollment(enrollment: Enrollment): Promise<void> {
  line?.end();
  line = new Line(enrollment, (tablet) => {
    if (line === null) return;
    show({ line: line.state, ...(tablet ? { tablet } : {}) });
    if (line.state === 'refused') turnAway();
    else if (state.view === 'removed' && line.state === 'up') void startOrWait();
  });
  show({ tablet: enrollment.tablet, line: 'unknown', problem: '' });
  void line.poll();
  await startOrWait();
}

/** The server knows this tablet no more: what it reads is of no use, and the camera goes off. */
function turnAway(): void {
  if (state.view === 'removed' || state.view === 'denied') return; // a result first has its time
  stopCamera();
  show({ view: 'removed' });
}

async function startOrWait(): Promise<void> {
  show({ view: 'ready' });
  if (localStorage.getItem(startedName) !== null && (await isCameraAllowed())) await start();
}

async function isCameraAllowed(): Promise<boolean> {
  try {
    // Not every browser knows this permission by name, nor does TypeScript.
    const { state } = await navigator.permissions.query({ name: 'camera' as PermissionName });
    return state === 'granted';
  } catch {
    return false;
  }
}

async function start(): Promise<void> {
  try {
    camera = await openCamera(loseCamera);
    video.srcObject = camera.stream;
    await video.play();
  } catch (error) {
    return failCamera(error);
  }
  localStorage.setItem(startedName, 'yes');
  show({ view: 'scanning', hasOtherCamera: camera.hasOther, isMirror: camera.isMirror, problem: '' });
  void keepAwake();
  if (isScanning) return;
  isScanning = true;
  void scan(video, seen);
}

function failCamera(error: unknown): void {
  stopCamera();
  const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
  show({ view: 'no_camera', problem: isRefused ? words.cameraRefused : words.cameraText });
  if (!isRefused) setTimeout(() => state.view === 'no_camera' && void start(), cameraRetryMs);
}

function loseCamera(): void {
  if (isRunning(state)) failCamera(null);
}

function stopCamera(): void {
  if (camera !== null) closeCamera(camera);
  camera = null;
  video.srcObject = null;
}

/** One decision at a time: what is held up meanwhile counts as seen, and is not decided. */
function seen(text: string, isNew: boolean): void {
  seenAt = performance.now();
  if (state.view !== 'scanning') return;
  if (isNew) void decide(text);
  else noteStillThere();
}

function noteStillThere(): void {
  if (!state.isStillThere) show({ isStillThere: true });
  const look = () => {
    if (performance.now() - seenAt < stillThereMs) setTimeout(look, stillThereMs);
    else show({ isStillThere: false });
  };
  setTimeout(look, stillThereMs);
}

async function decide(text: string): Promise<void> {
  if (line === null) return;
  show({ view: 'checking', isStillThere: false });
  const decision = await line.present(text);
  if (!isRunning(state)) return;
  if (decision.granted) playGranted();
  else playDenied();
  show({ view: decision.granted ? 'granted' : 'denied', decision });
  setTimeout(() => {
    if (state.decision !== decision) return;
    show({ decision: null, ...(isRunning(state) ? { view: 'scanning' } : {}) });
    if (line?.state === 'refused') turnAway();
  }, resultMs);
}

async function keepAwake(): Promise<void> {
  try {
    await navigator.wakeLock.request('screen');
  } catch {
    // the tablet's own settings decide, then
  }
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  if (isRunning(state)) void keepAwake();
  void line?.poll();
});
for (const name of ['online', 'offline']) window.addEventListener(name, () => void line?.poll());
window.addEventListener('hashchange', () => {
  if (location.hash.length > 1) void begin();
});
document.addEventListener('click', () => {
  allowSound();
  setTimeout(() => show({}), 100); // by then it may be heard
});
part(document, 'start').addEventListener('click', () => void start());
part(document, 'form').addEventListener('submit', (event) => {
  event.preventDefault();
  const typed = (part(document, 'code') as HTMLInputElement).value; // as the page's HTML has it
  if (!state.isEnrolling) void enrollByCode(typed).then((problem) => show({ problem }));
});
part(document, 'other-camera').addEventListener('click', () => {
  if (camera !== null)
    void rememberOtherCamera(camera).then(() => {
      stopCamera();
      return start();
    });
});
