import { Component, type ReactNode } from "react";

/** Where the page itself is wrong, it says so instead of going blank. */
export class FaultBoundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override readonly state: { readonly error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <main className="fault">
        <h1>This page has a fault</h1>
        <p>Mainstem itself is not touched by it. Load the page again; if it comes back, please report it with this message:</p>
        <pre className="code">{error.message}</pre>
      </main>
    );
  }
}
