// Elements by code. Text is always a text node, so that nothing that came from a run is markup.

type Child = Node | string | null;
type Attribute = string | number | boolean | ((event: Event) => void) | undefined;

// el('button', { class: 'x', onclick: f, disabled: true }, 'Text'). A function is a listener of the
// event that the name's "on" is followed by; false and undefined set nothing.
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

export function svg(
  tag: string,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

// Changes the text only where it differs: an equal one costs no layout.
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

// Puts `children` into `parent` in this order, and moves only what is out of place.
export function arrange(parent: Element, children: Element[]): void {
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(child, at);
    }
  }
  while (at !== null) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

// Offers `blob` as a file.
export function download(blob: Blob, fileName: string): void {
  const link = el('a', { href: URL.createObjectURL(blob), download: fileName });
  link.click();
  // The browser has read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function setAttributes(element: Element, attributes: Record<string, Attribute>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value);
    } else if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null) {
      element.append(child);
    }
  }
}
