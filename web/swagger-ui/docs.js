// Starts Swagger UI in the page /docs, which is there to be read before the
// viewer's files are.

const viewer = document.getElementById("viewer");
const beside = (name) => new URL(name, import.meta.url).href;

function load(tag, attributes)
{
	return new Promise((loaded, failed) => {
		const element = document.createElement(tag);

		element.addEventListener("load", loaded);
		element.addEventListener("error", failed);
		document.head.append(Object.assign(element, attributes));
	});
}

function follow_theme()
{
	const dark = matchMedia("(prefers-color-scheme: dark)");
	const follow = () => document.documentElement.classList.toggle(
		"dark-mode", dark.matches);

	dark.addEventListener("change", follow);
	follow();
}

try {
	await Promise.all([
		load("link", { rel: "stylesheet",
			href: beside("swagger-ui.css") }),
		load("link", { rel: "stylesheet", href: beside("docs.css") }),
		load("script", { src: beside("swagger-ui-bundle.js") }),
	]);
	follow_theme();
	window.SwaggerUIBundle({
		domNode: viewer,
		url: viewer.dataset.document,
		deepLinking: true,
		displayRequestDuration: true,
		// Nothing of it is sent to validators of others.
		validatorUrl: null,
	});
} catch {
	viewer.firstElementChild.textContent =
		"The viewer could not be loaded. Try again in a moment.";
}
