// Starts ReDoc in the page /redoc, which is there to be read before the
// viewer's file is.

const viewer = document.getElementById("viewer");
const dark = matchMedia("(prefers-color-scheme: dark)");

// ReDoc has no dark theme of its own, and derives some colours from these.
const DARK = {
	colors: {
		primary: { main: "#7fb2ff" },
		success: { main: "#4cc38a" },
		warning: { main: "#f1c15a" },
		error: { main: "#ff8e86" },
		text: { primary: "#e6edf3", secondary: "#b4bec9" },
		border: { dark: "#3d444d", light: "#30363d" },
		gray: { 50: "#171b1d", 100: "#262c2e" },
		responses: {
			success: { color: "#5fd39a",
				backgroundColor: "rgba(76, 195, 138, .12)" },
			error: { color: "#ff9a93",
				backgroundColor: "rgba(255, 142, 134, .12)" },
		},
	},
	schema: {
		linesColor: "#4b5563",
		typeNameColor: "#b4bec9",
		requireLabelColor: "#ff8e86",
		nestedBackground: "#171b1d",
		arrow: { color: "#b4bec9" },
	},
	typography: {
		links: { color: "#7fb2ff", visited: "#7fb2ff",
			hover: "#a9ccff" },
		code: { color: "#ffb4ad", backgroundColor: "#262c2e" },
	},
	sidebar: { backgroundColor: "#171b1d", textColor: "#e6edf3" },
	rightPanel: { backgroundColor: "#141718" },
	codeBlock: { backgroundColor: "#171b1d" },
};

const FONT = "system-ui, sans-serif";
const LIGHT = { colors: { primary: { main: "#1f5fbf" } } };

const theme = dark.matches ? DARK : LIGHT;
theme.typography = { ...theme.typography, fontFamily: FONT,
	headings: { fontFamily: FONT, fontWeight: "600" } };

function say(text)
{
	viewer.firstElementChild.textContent = text;
}

const script = document.createElement("script");
script.src = new URL("redoc.standalone.js", import.meta.url).href;
script.addEventListener("error", () => say(
	"The viewer could not be loaded. Try again in a moment."));
script.addEventListener("load", () => window.Redoc.init(
	viewer.dataset.document, { nativeScrollbars: true, theme }, viewer));
document.head.append(script);

// It takes its theme once; the place in the text is in the address.
dark.addEventListener("change", () => location.reload());
