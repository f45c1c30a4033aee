/** The element that plays `role` inside `root`. The page's HTML has each of them: a missing one is our mistake. */
export function part(root: ParentNode, role: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-role="${role}"]`);
  if (found === null) throw new Error(`no ${role} on the page`);
  return found;
}

/** A copy of the only element in the template of that role. */
export function copyOf(role: string): HTMLElement {
  const template = part(document, role);
  const copy =
    template instanceof HTMLTemplateElement ? template.content.firstElementChild?.cloneNode(true) : null;
  if (!(copy instanceof HTMLElement)) throw new Error(`no template ${role}`);
  return copy;
}

/** Writes only what changed: a live region speaks once, and a page that ticks every second stays still. */
export function say(root: ParentNode, role: string, text: string): void {
  const element = part(root, role);
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden;
}
