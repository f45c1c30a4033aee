const rememberedName = 'postern-reader-camera';

/** The camera that is shown: the picture, and how it is to be shown. */
export interface Camera {
  stream: MediaStream;
  /** Whether it looks at whoever looks at the screen: then the picture is a mirror. */
  isMirror: boolean;
  /** Whether there is another one to change to. */
  hasOther: boolean;
}

/** Rejects when there is no camera, or it may not be used. `onEnded`: it was taken away. */
export async function openCamera(onEnded: () => void): Promise<Camera> {
  const remembered = localStorage.getItem(rememberedName);
  const which = remembered === null ? { facingMode: 'user' } : { deviceId: { ideal: remembered } };
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } },
  });
  const [track] = stream.getVideoTracks();
  track?.addEventListener('ended', onEnded);
  const isMirror = track?.getSettings().facingMode !== 'environment';
  return { stream, isMirror, hasOther: (await cameras()).length > 1 };
}

/** The next one is used from now on, the next time too. */
export async function rememberOtherCamera({ stream }: Camera): Promise<void> {
  const all = await cameras();
  const present = all.indexOf(stream.getVideoTracks()[0]?.getSettings().deviceId ?? '');
  const next = all[(present + 1) % all.length];
  if (next !== undefined) localStorage.setItem(rememberedName, next);
}

export function closeCamera({ stream }: Camera): void {
  for (const track of stream.getTracks()) track.stop();
}

async function cameras(): Promise<string[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === 'videoinput').map(({ deviceId }) => deviceId);
}
