const tokenKey = "mainstem.token";
/** Where a browser denies storage, the token lives as long as the page. */
let held: string | undefined;

/** The server's token, kept for as long as the tab is open. */
export function readToken(): string | undefined {
  try {
    return sessionStorage.getItem(tokenKey) ?? held;
  } catch {
    return held;
  }
}

export function writeToken(token: string): void {
  held = token;
  try {
    sessionStorage.setItem(tokenKey, token);
  } catch {
    // It is held above.
  }
}
