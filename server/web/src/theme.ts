// Light or dark: as the system has it, unless the person chose otherwise here before.

import { el } from './dom';

const choices = ['auto', 'light', 'dark'] as const;
type Choice = (typeof choices)[number];
const storageKey = 'lehr-theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
let choice: Choice = 'auto';

export function startTheme(): void {
  choice = stored();
  prefersDark.addEventListener('change', apply);
  apply();
}

export function makeThemeSwitch(): HTMLElement {
  const select = el('select', {
    'aria-label': 'Theme',
    onchange: () => {
      choice = choices.find((one) => one === select.value) ?? 'auto';
      store(choice);
      apply();
    },
  });
  for (const one of choices) {
    select.append(el('option', { value: one }, one));
  }
  select.value = choice;
  return select;
}

// Calls back until `signal` aborts: what is painted rather than styled has to be painted again.
export function onThemeChange(changed: () => void, signal: AbortSignal): void {
  window.addEventListener('themechange', changed, { signal });
}

// The custom property --name of the theme in force.
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function apply(): void {
  const isDark = choice === 'dark' || (choice === 'auto' && prefersDark.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  window.dispatchEvent(new Event('themechange'));
}

// Storage may be off: then a choice lasts as long as the page.
function stored(): Choice {
  try {
    const value = localStorage.getItem(storageKey);
    return choices.find((one) => one === value) ?? 'auto';
  } catch {
    return 'auto';
  }
}

function store(value: Choice): void {
  try {
    localStorage.setItem(storageKey, value);
  } catch {
    return;
  }
}
