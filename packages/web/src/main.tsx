import "./styles.ts";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { App } from "./app.tsx";
import { FaultBoundary } from "./parts/fault-boundary.tsx";
import { cssVariables, theme } from "./theme.ts";

// What moves is asked for again by itself soon enough, and what a server refuses it refuses again.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: true } } });

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element root.");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <FaultBoundary>
        <QueryClientProvider client={queries}>
          <Router hook={useHashLocation}>
            <App />
          </Router>
        </QueryClientProvider>
      </FaultBoundary>
    </MantineProvider>
  </StrictMode>,
);
