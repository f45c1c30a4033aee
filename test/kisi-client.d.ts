/** The npm package `kisi-client`, which comes without types: as much of it as the tests call. */
declare module 'kisi-client' {
  // biome-ignore lint/suspicious/noExplicitAny: its answers are of every shape, and a test looks into them
  type Answer = any;

  export default class Kisi {
    constructor(config?: { baseURL?: string; headers?: Record<string, string> });
    setLoginSecret(secret: string | null): void;
    signIn(user: { domain?: string; email: string; password: string }): Promise<Answer>;
    signOut(): Promise<Answer>;
    get(path: string, params?: object): Promise<Answer>;
    post(path: string, data?: object): Promise<Answer>;
    put(path: string, data?: object): Promise<Answer>;
    delete(path: string, params?: object): Promise<Answer>;
  }
}
