/** A bug to plant: a small change to one file, and the tests that must notice it. */
export interface Bug {
  /** What the program then does wrong, in words. */
  name: string;
  file: string;
  /** Stands in the file exactly once; `replace` takes its place. */
  find: string;
  replace: string;
  test: string;
  /** Only tests whose names match this (as `--test-name-pattern`), where the whole file takes long. */
  named?: string;
  /** Absent: the embedded one. */
  database?: 'postgres';
}
