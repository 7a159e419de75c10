import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { ProblemError, isAway } from "../api/ask.ts";
import { toVisibleText } from "../visible-text.ts";

export interface ProblemNoticeProps {
  readonly error: Error | null;
  readonly title?: string;
  /** What was asked for stands on the page, of an earlier answer. */
  readonly shown?: boolean;
  readonly children?: ReactNode;
}

/** What went wrong, and what to do about it; nothing while nothing is wrong. That the server is away stands at the top of the page, once. */
export function ProblemNotice({ error, title = "This could not be shown", shown = false, children }: ProblemNoticeProps) {
  if (error === null || (shown && isAway(error))) return null;
  if (isAway(error)) return <p className="dim">This is shown as soon as the server answers.</p>;
  const { code, remedy } = error instanceof ProblemError ? error : { code: undefined, remedy: "" };
  return (
    <div className="notice" data-tone="bad" role="alert">
      <IconAlertTriangle size={20} aria-hidden />
      <div>
        <strong>{title}</strong>
        <p>{toVisibleText(error.message)}</p>
        {remedy !== "" && <p>{toVisibleText(remedy)}</p>}
        {code !== undefined && (
          <p className="dim">
            <code>{code}</code>
          </p>
        )}
        {children}
      </div>
    </div>
  );
}
