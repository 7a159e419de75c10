import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const river: MantineColorsTuple = ["#e8f6f8", "#d3ebef", "#a7d5dd", "#77bfcb", "#4fabbb", "#2f96a8", "#178296", "#0b7285", "#095c6b", "#064853"];

/** Every colour of text has at least 4.5 to 1 to the ground that it stands on (WCAG 2.2, AA): the test in Chromium measures it. */
export const theme = createTheme({
  colors: { river },
  primaryColor: "river",
  primaryShade: { light: 7, dark: 6 },
  respectReducedMotion: true,
  defaultRadius: "md",
  fontFamily: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.5rem", lineHeight: "1.25" }, h2: { fontSize: "1rem", lineHeight: "1.4" } } },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#f6f8f9",
    "--mantine-color-text": "#17242d",
    "--mantine-color-dimmed": "#55646f",
    "--mantine-color-anchor": "#0a6677",
    "--mantine-color-placeholder": "#5f6d77",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-default-border": "#dde4e8",
    "--mantine-color-default": "#ffffff",
    "--mantine-color-default-hover": "#f3f6f7",
    "--mantine-color-default-color": "#17242d",
    "--page-surface": "#ffffff",
    "--page-line": "#e2e8ec",
    "--page-soft": "#eef2f4",
    "--page-river": "#178296",
    "--page-good": "#1c7a48",
    "--page-late": "#955800",
    "--page-bad": "#b3261e",
    "--page-late-ground": "#fdf6e9",
    "--page-bad-ground": "#fdf0ee",
  },
  dark: {
    "--mantine-color-body": "#0f171c",
    "--mantine-color-text": "#e4ecf0",
    "--mantine-color-dimmed": "#9dadb7",
    "--mantine-color-anchor": "#6fc9d8",
    "--mantine-color-placeholder": "#93a3ad",
    "--mantine-color-error": "#ff9b8f",
    "--mantine-color-default-border": "#2b3942",
    "--mantine-color-default": "#1e2b32",
    "--mantine-color-default-hover": "#26353d",
    "--mantine-color-default-color": "#e4ecf0",
    "--page-surface": "#162127",
    "--page-line": "#25323a",
    "--page-soft": "#1e2b32",
    "--page-river": "#4fabbb",
    "--page-good": "#63c994",
    "--page-late": "#e8b057",
    "--page-bad": "#ff9b8f",
    "--page-late-ground": "#2a2518",
    "--page-bad-ground": "#2f1e1d",
  },
});
