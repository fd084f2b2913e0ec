// A browser as far as requests go: it keeps cookies by their rules (path, Secure, HttpOnly, end), says where a request comes from, and follows
// redirects on demand. For sign-in and for the attacks on it that need no scripts.

export interface Page {
  readonly status: number;
  readonly url: string;
  readonly text: string;
  readonly headers: Headers;
  /** Where a redirect leads. */
  readonly location: string | undefined;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly attributes: string;
}

export interface Browser {
  get(url: string, headers?: Record<string, string>): Promise<Page>;
  /** Sends a form as a page at `from` would; default: a page of the same origin. */
  post(url: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Page>;
  /** Follows redirects until there is a page; `stop` ends at a redirect. */
  follow(page: Page, stop?: (location: string) => boolean): Promise<Page>;
  cookies(origin: string): ReadonlyMap<string, Cookie>;
  setCookie(origin: string, name: string, value: string): void;
}

export function makeBrowser(): Browser {
  const jars = new Map<string, Map<string, Cookie>>();
  // Cookies know no ports.
  const jarOf = (url: string): Map<string, Cookie> => {
    const { hostname } = new URL(url);
    const jar = jars.get(hostname) ?? new Map<string, Cookie>();
    jars.set(hostname, jar);
    return jar;
  };
  const cookieHeader = (url: string): string =>
    [...jarOf(url).values()]
      .filter(({ path }) => new URL(url).pathname.startsWith(path))
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  const keep = (url: string, headers: Headers): void => {
    for (const line of headers.getSetCookie()) {
      const [pair = "", ...rest] = line.split(";").map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf("="));
      const value = pair.slice(pair.indexOf("=") + 1);
      const said = (key: string): string | undefined =>
        rest.find((part) => part.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
      const path = said("path") ?? new URL(url).pathname.replace(/\/[^/]*$/, "") ?? "/";
      const isOver = said("max-age") === "0" || Date.parse(said("expires") ?? "9999-01-01") < Date.now();
      const key = `${name} ${path}`;
      if (isOver) jarOf(url).delete(key);
      else jarOf(url).set(key, { name, value, path: path === "" ? "/" : path, attributes: rest.join("; ") });
    }
  };
  const ask = async (method: string, url: string, headers: Record<string, string>, body?: string): Promise<Page> => {
    const cookie = cookieHeader(url);
    const response = await fetch(url, {
      method,
      redirect: "manual",
      headers: { accept: "text/html,*/*", ...(cookie === "" ? {} : { cookie }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    keep(url, response.headers);
    const location = response.headers.get("location");
    return {
      status: response.status,
      url,
      text: await response.text(),
      headers: response.headers,
      location: location === null ? undefined : new URL(location, url).href,
    };
  };
  const browser: Browser = {
    get: async (url, headers = {}) => await ask("GET", url, { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", ...headers }),
    post: async (url, fields, headers = {}) =>
      await ask(
        "POST",
        url,
        {
          "content-type": "application/x-www-form-urlencoded",
          origin: new URL(url).origin,
          "sec-fetch-site": "same-origin",
          ...headers,
        },
        new URLSearchParams(fields).toString(),
      ),
    follow: async (page, stop = () => false) => {
      let at = page;
      for (let steps = 0; at.location !== undefined && steps < 20; steps++) {
        if (stop(at.location)) return at;
        at = await browser.get(at.location, { "sec-fetch-site": "cross-site" });
      }
      return at;
    },
    cookies: (origin) => new Map([...jarOf(origin).values()].map((cookie) => [cookie.name, cookie])),
    setCookie: (origin, name, value) => void jarOf(origin).set(`${name} /`, { name, value, path: "/", attributes: "" }),
  };
  return browser;
}

/** The hidden fields of a page's form that goes to `action`, the `index`th of them. */
export function fieldsOf(page: Pick<Page, "text">, action: string, index = 0): Record<string, string> {
  const forms = [...page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].filter(([, head = ""]) =>
    head.includes(`action="${action}"`),
  );
  const inner = forms[index]?.[2] ?? "";
  return Object.fromEntries(
    [...inner.matchAll(/<input\b[^>]*>/g)].flatMap(([input]) => {
      const of = (name: string): string | undefined => new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1];
      const name = of("name");
      return name === undefined || of("type") !== "hidden" ? [] : [[name, (of("value") ?? "").replaceAll("&amp;", "&")]];
    }),
  );
}
