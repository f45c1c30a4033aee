/** Something the person at the keyboard can put right; the message is a sentence for them. */
export class Problem extends Error {}
