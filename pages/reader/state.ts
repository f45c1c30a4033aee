import type { TabletView } from './api.ts';
import type { Decision, LineState } from './line.ts';

/** What the screen is about. */
export type View =
  | 'loading'
  | 'insecure'
  | 'code'
  | 'removed'
  | 'ready'
  | 'no_camera'
  | 'scanning'
  | 'checking'
  | 'granted'
  | 'denied';

export interface State {
  view: View;
  tablet: TabletView | null;
  line: LineState;
  decision: Decision | null;
  /** The code that was read last is still held up. */
  isStillThere: boolean;
  /** What is wrong with the code that was typed, or with the camera. */
  problem: string;
  isEnrolling: boolean;
  hasOtherCamera: boolean;
  isMirror: boolean;
  isSilent: boolean;
}

export function newState(): State {
  return {
    view: 'loading',
    tablet: null,
    line: 'unknown',
    decision: null,
    isStillThere: false,
    problem: '',
    isEnrolling: false,
    hasOtherCamera: false,
    isMirror: true,
    isSilent: false,
  };
}

/** Whether the camera is in use, and what it sees is shown or decided on. */
export function isRunning({ view }: State): boolean {
  return view === 'scanning' || view === 'checking' || view === 'granted' || view === 'denied';
}
