import { ActionIcon, Anchor, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconMoon, IconSun } from "@tabler/icons-react";
import { useEffect, useRef, type ReactNode } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { DatasetPage } from "./dataset/dataset-page.tsx";
import { DatasetsPage } from "./pages/datasets-page.tsx";
import { NotFoundPage } from "./pages/not-found-page.tsx";
import { TasksPage } from "./pages/tasks-page.tsx";
import { AwayNotice } from "./parts/away-notice.tsx";
import { TokenGate } from "./parts/token-gate.tsx";

/** The frame around every page: where one can go, and the colours. */
export function App() {
  const main = useRef<HTMLElement>(null);
  const [location] = useLocation();
  const page = location.split("/", 3).join("/");
  const first = useRef(true);
  // Who reads with the ears or the keyboard begins a new page at its beginning, as with any page. The tabs of a dataset are one page.
  useEffect(() => {
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    first.current = false;
  }, [page]);
  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header className="top">
        <div className="width">
          <nav aria-label="Main">
            <Link href="/" className="brand" aria-label="Mainstem, home">
              <Mark />
              <span>Mainstem</span>
            </Link>
            <Place to="/" here={location === "/" || location.startsWith("/datasets")}>
              Datasets
            </Place>
            <Place to="/tasks" here={location === "/tasks"}>
              Tasks
            </Place>
          </nav>
          <ColourSwitch />
        </div>
      </header>
      <main ref={main} tabIndex={-1} className="width">
        <AwayNotice />
        <TokenGate>
          <Switch>
            <Route path="/" component={DatasetsPage} />
            <Route path="/datasets/:name/:section?">{({ name, section }) => <DatasetPage key={name} name={toName(name)} section={section} />}</Route>
            <Route path="/tasks" component={TasksPage} />
            <Route component={NotFoundPage} />
          </Switch>
        </TokenGate>
      </main>
    </>
  );
}

/** What was typed into the address need not be what we write there. */
function toName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function Place({ to, here, children }: { readonly to: string; readonly here: boolean; readonly children: ReactNode }) {
  return (
    <Anchor component={Link} href={to} className="place-link" underline="never" {...(here ? { "aria-current": "page" as const } : {})}>
      {children}
    </Anchor>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" fill="none" stroke="currentColor" strokeWidth="3.5" strokeLinecap="round" aria-hidden>
      <path d="M3 9c8 0 7 7 15 7h11" />
      <path d="M3 23c8 0 7-7 15-7" />
    </svg>
  );
}

function ColourSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const next = useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark" ? "light" : "dark";
  const Sign = next === "dark" ? IconMoon : IconSun;
  return (
    <ActionIcon variant="default" size="lg" aria-label={next === "dark" ? "Dark colours" : "Light colours"} onClick={() => setColorScheme(next)}>
      <Sign size={18} stroke={1.75} aria-hidden />
    </ActionIcon>
  );
}
