// Requests to lehrd's JSON API.

// An answer that is an error, or none at all (status 0).
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

// Adds the query's set values to an absolute path.
export function withQuery(
  path: string,
  query: Record<string, string | number | boolean | undefined>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      parameters.set(name, String(value));
    }
  }
  return parameters.size > 0 ? `${path}?${parameters}` : path;
}

export function runPath(runId: string, rest = ''): string {
  return `/api/v1/runs/${encodeURIComponent(runId)}${rest}`;
}

export function getJson<Response>(path: string, signal?: AbortSignal): Promise<Response> {
  return request(path, signal ? { signal } : {});
}

// Changes something: `token` is the one that the operator holds.
export function postJson<Response>(path: string, body: object, token: string): Promise<Response> {
  return request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

// What an error answer says, in words.
export async function errorOf(response: Response): Promise<ApiError> {
  let message = `the server answered ${response.status}`;
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'message' in body) {
      message = String(body.message);
    }
  } catch {
    // Not JSON: the status has to do.
  }
  return new ApiError(response.status, message);
}

async function request<Body>(path: string, options: RequestInit): Promise<Body> {
  let response: Response;
  try {
    response = await fetch(path, { cache: 'no-store', ...options });
  } catch (error) {
    if (options.signal?.aborted) {
      throw error;
    }
    throw new ApiError(0, 'lehrd does not answer');
  }
  if (!response.ok) {
    throw await errorOf(response);
  }
  noteServerTime(response);
  return (await response.json()) as Body;
}

// How far the server's clock is ahead of this one, in ms: ages are by the server's clock.
let clockOffset = 0;

export function noteServerTime(response: Response): void {
  const date = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isFinite(date)) {
    const offset = date + 500 - Date.now();
    // The header has whole seconds.
    clockOffset = Math.abs(offset) < 2000 ? 0 : offset;
  }
}

export function serverNow(): number {
  return Date.now() + clockOffset;
}
