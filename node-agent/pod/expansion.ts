/** `$(NAME)` in env values, commands and arguments (third_party/forked/golang/expansion). Pure. */

/** Replaces `$(NAME)` by what `lookUp` gives; an unknown name stays as it is written, `$$` is one `$`. */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (written, name: string | undefined) => {
    if (name === undefined) return '$';
    return lookUp(name) ?? written;
  });
}
