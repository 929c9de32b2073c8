import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Program, startProgram } from '../../check/program.ts'

// Debian installs it in /usr/sbin, which is not in every user's PATH.
const env = { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin` }

export const NO_NGINX =
  'nginx is not installed. Install it with `apt-get install nginx-light`, or on a Mac with `brew install nginx`. On Windows, do this chapter in WSL.'

export async function hasNginx(): Promise<boolean> {
  return (await run(['-v'])).ran
}

export interface Nginx extends Program {
  /** Returns the request IDs in its log. */
  ids(): Promise<string[]>
}

/** Starts nginx with the site in a file, and replaces its ports 8080, 3001 and 3002. */
export async function startNginx(
  file: string,
  listen: { address: string; port: number },
  upstream: readonly [number, number],
): Promise<Nginx> {
  const dir = await mkdtemp(join(tmpdir(), 'nginx-'))
  const log = join(dir, 'access.log')
  try {
    const main = await writeConfiguration(dir, withPorts(await readFile(file, 'utf8'), listen, upstream))
    const options = ['-p', dir, '-e', 'stderr', '-c', main]
    const { ran, text } = await run([...options, '-t'])
    if (!ran) throw new Error(`nginx rejects nginx.conf: ${describeFault(text)}`)
    const nginx = await startProgram(['nginx', ...options], { env })
    const end = async () => {
      await nginx.end()
      await rm(dir, { recursive: true, force: true })
    }
    await nginx.waitForResponse(`http://${listen.address}:${listen.port}/ready`)
    const ids = async () => (await readFile(log, 'utf8')).split('\n')
    return { ...nginx, end, ids }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** Writes what Debian's /etc/nginx/nginx.conf has around a site, with all files in one folder. Returns its path. */
async function writeConfiguration(dir: string, site: string): Promise<string> {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  )
  const main = join(dir, 'main.conf')
  await writeFile(join(dir, 'nginx.conf'), site)
  await writeFile(
    main,
    `daemon off; worker_processes 1; pid ${join(dir, 'pid')}; error_log stderr;
    events { worker_connections 64; }
    http {
      ${paths.join('\n')}
      log_format ids '$request_id'; access_log ${join(dir, 'access.log')} ids;
      include ${join(dir, 'nginx.conf')};
    }`,
  )
  // If root starts nginx, its worker runs as another user, which needs access to the folder.
  if (process.getuid?.() === 0) await chmod(dir, 0o755)
  return main
}

function withPorts(
  site: string,
  { address, port }: { address: string; port: number },
  upstream: readonly [number, number],
): string {
  if (!/^\s*listen\s+(\S+:)?8080\b/m.test(site)) throw new Error('nginx.conf has no `listen 8080;`.')
  return site
    .replaceAll(/^\s*listen\s+\[::\]:8080\b.*$/gm, '')
    .replaceAll(/\blisten\s+(\S+:)?8080\b/g, `listen ${address}:${port}`)
    .replaceAll(/\b(?:127\.0\.0\.1|localhost):300([12])\b/g, (_, one) => `127.0.0.1:${upstream[one - 1]}`)
}

const describeFault = (text: string) =>
  /\[emerg\] (?:\d+#\d+: )?(.*)/.exec(text)?.[1]?.replaceAll(/\/\S*\//g, '') ?? text

function run(args: string[]): Promise<{ ran: boolean; text: string }> {
  return new Promise((done) => {
    execFile('nginx', args, { env: { ...process.env, ...env } }, (error, _stdout, text) =>
      done({ ran: error === null, text }),
    )
  })
}
