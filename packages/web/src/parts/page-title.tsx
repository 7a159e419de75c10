import { Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";

/** The heading of a page, and its name in the browser. */
export function PageTitle({ children, aside }: { readonly children: string; readonly aside?: ReactNode }) {
  useEffect(() => {
    document.title = `${children} · Mainstem`;
  }, [children]);
  return (
    <div className="page-title">
      <Title order={1}>{children}</Title>
      {aside}
    </div>
  );
}
