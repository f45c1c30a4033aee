import { part, say, setAttribute, setHidden } from '../guest/dom.ts';
import { isRunning, type State, type View } from './state.ts';
import * as words from './words.ts';

interface Panel {
  icon: string;
  title: string;
  text: string;
}

/** Shows the state. Writes only what changed, so that a live region speaks once. */
export function render(state: State): void {
  const main = part(document, 'main');
  const { tablet, view } = state;
  const isLost = view === 'scanning' && state.line === 'lost';
  setAttribute(main, 'data-view', view);
  setAttribute(main, 'data-line', state.line);
  main.toggleAttribute('data-lost', isLost);
  main.toggleAttribute('data-mirror', state.isMirror);
  say(document, 'organization', words.cleaned(tablet?.organization.name ?? ''));
  say(document, 'door', words.cleaned(tablet?.lock.name ?? ''));
  say(document, 'place', words.cleaned(tablet?.place.name ?? ''));
  say(document, 'hint', hintOf(state));
  renderPanel(state, isLost);
  renderResult(state);
  say(document, 'line', (isRunning(state) && !isLost) || view === 'ready' ? lineWords[state.line] : '');
  say(document, 'sound', isRunning(state) && state.isSilent ? words.soundOff : '');
  say(document, 'other-camera', words.otherCamera);
  setHidden(part(document, 'other-camera'), !(isRunning(state) && state.hasOtherCamera));
}

const lineWords = {
  unknown: words.lineUnknown,
  up: words.lineUp,
  lost: words.lineLost,
  refused: words.lineLost,
};

function hintOf({ view, isStillThere }: State): string {
  if (view === 'checking') return words.checking;
  if (view !== 'scanning') return '';
  return isStillThere ? words.takeAway : words.hint;
}

function renderPanel(state: State, isLost: boolean): void {
  const { view } = state;
  const panel = isLost
    ? { icon: '#signal', title: words.lineLostTitle, text: words.lineLostText }
    : panelOf(view, state.problem);
  say(document, 'panel-title', panel.title);
  say(document, 'panel-text', panel.text);
  setAttribute(part(document, 'panel-icon'), 'href', panel.icon);
  const start = part(document, 'start');
  say(document, 'start', words.start);
  setHidden(start, view !== 'ready' && view !== 'no_camera');
  setHidden(part(document, 'form'), view !== 'code' && view !== 'removed');
  say(document, 'code-label', words.codeLabel);
  say(document, 'enroll', state.isEnrolling ? words.enrolling : words.enroll);
  part(document, 'enroll').toggleAttribute('disabled', state.isEnrolling);
  say(document, 'problem', view === 'code' || view === 'removed' ? state.problem : '');
}

function panelOf(view: View, problem: string): Panel {
  const panels: Partial<Record<View, Panel>> = {
    loading: { icon: '#tablet', title: words.loading, text: '' },
    insecure: { icon: '#tablet', title: words.insecureTitle, text: words.insecureText },
    code: { icon: '#tablet', title: words.codeTitle, text: words.codeText },
    removed: { icon: '#tablet', title: words.removedTitle, text: words.removedText },
    ready: { icon: '#camera', title: words.startTitle, text: words.startText },
    no_camera: { icon: '#camera', title: words.cameraTitle, text: problem },
  };
  return panels[view] ?? { icon: '#camera', title: '', text: '' };
}

function renderResult({ view, decision, tablet }: State): void {
  const isShown = view === 'granted' || view === 'denied';
  setAttribute(part(document, 'result-icon'), 'href', view === 'denied' ? '#cross' : '#tick');
  if (!isShown || decision === null) {
    say(document, 'result-title', '');
    say(document, 'result-text', '');
    return;
  }
  say(document, 'result-title', decision.granted ? words.welcome : words.refused);
  const text = decision.granted
    ? words.opened(tablet?.lock.name ?? '')
    : words.reasonText(decision.reason, decision.message);
  say(document, 'result-text', text);
}
