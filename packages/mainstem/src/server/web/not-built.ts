/** What a browser shows at `/` of a server without a web page. */
export const notBuiltPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mainstem</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
</head>
<body>
<main>
<h1>Mainstem runs, its web page was not built</h1>
<p>In a clone, run <code>node tools/setup.mjs</code> and start Mainstem again: it says why when the page cannot be built.</p>
<p>Everything else works without it: <code>mainstem --help</code> lists the commands, and the API is described at <a href="/openapi.json">/openapi.json</a>.</p>
</main>
</body>
</html>
`;
