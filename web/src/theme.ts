// Colours live here rather than in the style sheet because exported figures need the light values wherever they are viewed.

const light: Record<string, string> = {
  paper: "#ffffff",
  wash: "#f5f6f8",
  ink: "#1b1f24",
  muted: "#59636e",
  axis: "#9aa2ab",
  grid: "#e7e9ec",
  simulated: "#0072b2",
  recorded: "#6f7780",
  "record-line": "#3f454c",
  other: "#b9bfc6",
  // Okabe and Ito's colours without yellow, which is too faint on white, and others after Tol to follow.
  series0: "#0072b2",
  series1: "#d55e00",
  series2: "#009e73",
  series3: "#cc79a7",
  series4: "#e69f00",
  series5: "#56b4e9",
  series6: "#882255",
  series7: "#999933",
  series8: "#4b3fa0",
  series9: "#8c5a2b",
};

const dark: Record<string, string> = {
  paper: "#15181c",
  wash: "#1e2227",
  ink: "#e9ebee",
  muted: "#a0a9b3",
  axis: "#656e78",
  grid: "#2b3036",
  simulated: "#4fa8e0",
  recorded: "#a3abb4",
  "record-line": "#dde1e5",
  other: "#59626b",
  series0: "#3b94d1",
  series1: "#ef7f38",
  series2: "#26b88e",
  series3: "#df98c1",
  series4: "#f0b440",
  series5: "#8fd0f7",
  series6: "#c25a88",
  series7: "#b6b651",
  series8: "#8b80dd",
  series9: "#b98552",
};

const declare = (colours: Record<string, string>) =>
  `:root{${Object.entries(colours).map(([name, value]) => `--${name}:${value}`).join(";")}}`;

export const themeCss =
  declare(light) + `@media screen and (prefers-color-scheme:dark){${declare(dark)}}`;

export const colour = (name: string) => `var(--${name})`;

/** Replaces every colour variable in an element and what it holds by its light value. */
export function resolveColours(root: Element): void {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    for (const attribute of [...element.attributes]) {
      if (!/^(?:fill|stroke)$/.test(attribute.name)) continue;
      attribute.value = attribute.value.replace(/^var\(--([\w-]+)\)$/, (_, name: string) => light[name] ?? "#000");
    }
  }
}

export const seriesCount = 10;
export const fontFamily = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
