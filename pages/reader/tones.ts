let audio: AudioContext | null = null;

/** Browsers let a page sound only after a tap: to be called in one. */
export function allowSound(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

/** Whether a tone would be heard. */
export function isAudible(): boolean {
  return audio?.state === 'running';
}

/** Two notes upwards. */
export function playGranted(): void {
  play([
    { hertz: 660, at: 0, seconds: 0.14 },
    { hertz: 990, at: 0.13, seconds: 0.3 },
  ]);
}

/** Two notes downwards, lower and rougher: not to be taken for the other. */
export function playDenied(): void {
  play(
    [
      { hertz: 330, at: 0, seconds: 0.2 },
      { hertz: 196, at: 0.2, seconds: 0.45 },
    ],
    'square',
  );
}

function play(
  notes: readonly { hertz: number; at: number; seconds: number }[],
  type: OscillatorType = 'triangle',
): void {
  if (audio === null || !isAudible()) return;
  for (const { hertz, at, seconds } of notes) {
    const begin = audio.currentTime + at;
    const loudness = audio.createGain();
    loudness.gain.setValueAtTime(0, begin);
    loudness.gain.linearRampToValueAtTime(type === 'square' ? 0.15 : 0.5, begin + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.001, begin + seconds);
    const note = new OscillatorNode(audio, { type, frequency: hertz });
    note.connect(loudness).connect(audio.destination);
    note.start(begin);
    note.stop(begin + seconds);
  }
}
