/** After Ctrl-C the request under way gets this long to be answered, so that what is said at the end is true. */
const lastAnswerMs = 3_000;

/** A signal for the request under way: aborted a moment after the command's. */
export function openPatience(signal: AbortSignal): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), lastAnswerMs);
  };
  signal.addEventListener("abort", begin, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      signal.removeEventListener("abort", begin);
      clearTimeout(timer);
    },
  };
}
