"""A WinRM service for tests: WS-Management over http or https, logged in to by NTLM (pyspnego's acceptor, which others wrote) or Basic, each message sealed.

Commands are run by /bin/sh, and `powershell` by the stand-in beside this file. argv: JSON of settings. Prints the port, and then a line for each log-in and shell.
"""
import base64, json, os, queue, re, signal, socket, ssl, subprocess, sys, tempfile, threading, time, uuid
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

settings = json.loads(sys.argv[1])
user_file = tempfile.NamedTemporaryFile('w', suffix='.users', delete=False)
user_file.write(f"{settings.get('domain', '')}:{settings['user']}:{settings['password']}\n")
user_file.close()
os.environ['NTLM_USER_FILE'] = user_file.name
import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego._ntlm_raw.messages import Authenticate, AvId, NTClientChallengeV2

S = '{http://www.w3.org/2003/05/soap-envelope}'
A = '{http://schemas.xmlsoap.org/ws/2004/08/addressing}'
W = '{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}'
R = '{http://schemas.microsoft.com/wbem/wsman/1/windows/shell}'
RSP = R[1:-1]
here = os.path.dirname(os.path.abspath(__file__))
lock = threading.Lock()
shells = {}

def say(**event):
    with lock:
        print(json.dumps(event), flush=True)

class Fault(Exception):
    def __init__(self, code, subcode, message):
        self.code, self.subcode, self.message = code, subcode, message

class Command:
    """A process and what it has written and nobody has asked for yet: at most some hundred kilobytes, then it waits."""
    def __init__(self, line, codepage):
        env = dict(os.environ, PATH=f"{here}/bin:{os.environ['PATH']}", BAKE_STANDIN_PYTHON=sys.executable)
        self.id = str(uuid.uuid4()).upper()
        self.process = subprocess.Popen(['/bin/sh', '-c', line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=env)
        self.out = queue.Queue(8)
        self.open = 2
        self.code = None
        for name, pipe in (('stdout', self.process.stdout), ('stderr', self.process.stderr)):
            threading.Thread(target=self.pump, args=(name, pipe), daemon=True).start()
        threading.Thread(target=self.wait, daemon=True).start()

    def pump(self, name, pipe):
        while True:
            data = os.read(pipe.fileno(), 65536)
            if not data:
                break
            self.out.put((name, data))
        self.out.put(None)

    def wait(self):
        code = self.process.wait()
        self.code = 128 - code if code < 0 else code
        # What the process has left behind may hold the pipes; a job of Windows would be over.
        time.sleep(0.5)
        self.out.put('ended')

    def kill(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sig)
            except ProcessLookupError:
                return
            if sig == signal.SIGTERM:
                for _ in range(10):
                    if self.process.poll() is not None:
                        break
                    time.sleep(0.05)

    def receive(self, timeout):
        chunks, size, until = [], 0, time.time() + timeout
        while True:
            try:
                item = self.out.get(timeout=max(0.001, (0.005 if chunks else until - time.time())))
            except queue.Empty:
                if chunks:
                    return chunks, False
                raise Fault(2150858793, 'w:TimedOut', 'The WS-Management service cannot complete the operation within the time specified in OperationTimeout.')
            if item == 'ended' or (item is None and self.ended()):
                return chunks, True
            if item is None:
                continue
            chunks.append(item)
            size += len(item[1])
            if size > 150_000:
                return chunks, False

    def ended(self):
        self.open -= 1
        if self.open > 0:
            return False
        self.process.wait()
        while self.code is None:
            time.sleep(0.001)
        return True

def identify(_root):
    return '<wsmid:IdentifyResponse xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><wsmid:ProductVendor>test</wsmid:ProductVendor></wsmid:IdentifyResponse>'

def handle(root):
    action = root.findtext(f'.//{A}Action')
    selector = root.find(f".//{W}Selector[@Name='ShellId']")
    timeout = float((root.findtext(f'.//{W}OperationTimeout') or 'PT60S')[2:-1])
    body = root.find(f'{S}Body')
    name = action.rsplit('/', 1)[1]
    if name == 'Create':
        options = {o.get('Name'): o.text for o in root.iter(f'{W}Option')}
        if options.get('WINRS_CODEPAGE') != '65001':
            raise Fault(1, 'w:InternalError', 'the shell must be UTF-8')
        shell = str(uuid.uuid4()).upper()
        with lock:
            if len(shells) >= settings.get('shells', 30):
                raise Fault(2150859174, 'w:QuotaLimit', 'The WS-Management service cannot process the request. The maximum number of concurrent shells for this user has been exceeded.')
            shells[shell] = {}
        say(shell='open')
        return f'<rsp:Shell xmlns:rsp="{RSP}"><rsp:ShellId>{shell}</rsp:ShellId></rsp:Shell>'
    commands = shells.get(selector.text if selector is not None else None)
    if commands is None:
        raise Fault(2150858843, 'w:InvalidSelectors', 'The request for the Windows Remote Shell with ShellId failed because the shell was not found on the server.')
    if name == 'Delete':
        with lock:
            shells.pop(selector.text)
        for command in commands.values():
            command.kill()
        say(shell='closed')
        return ''
    if name == 'Command':
        line = body.findtext(f'.//{R}Command')
        if len(line) > 8191:
            raise Fault(87, 'w:InvalidParameter', 'The command line is too long.')
        command = Command(line, None)
        commands[command.id] = command
        return f'<rsp:CommandResponse xmlns:rsp="{RSP}"><rsp:CommandId>{command.id}</rsp:CommandId></rsp:CommandResponse>'
    part = body[0]
    stream = part.find(f'{R}DesiredStream') if name == 'Receive' else part.find(f'{R}Stream') if name == 'Send' else part
    command = commands.get(stream.get('CommandId'))
    if command is None:
        raise Fault(2150858843, 'w:InvalidSelectors', 'The command was not found.')
    if name == 'Receive':
        chunks, done = command.receive(timeout)
        streams = ''.join(f'<rsp:Stream Name="{n}" CommandId="{command.id}">{base64.b64encode(d).decode()}</rsp:Stream>' for n, d in chunks)
        state = f'<rsp:CommandState CommandId="{command.id}" State="{RSP}/CommandState/{"Done" if done else "Running"}">{f"<rsp:ExitCode>{command.code}</rsp:ExitCode>" if done else ""}</rsp:CommandState>'
        return f'<rsp:ReceiveResponse xmlns:rsp="{RSP}">{streams}{state}</rsp:ReceiveResponse>'
    if name == 'Send':
        try:
            command.process.stdin.write(base64.b64decode(stream.text or ''))
            command.process.stdin.flush()
            if stream.get('End') == 'true':
                command.process.stdin.close()
        except (BrokenPipeError, ValueError):
            raise Fault(2147942509, 'w:InternalError', 'The pipe has been ended.')
        return f'<rsp:SendResponse xmlns:rsp="{RSP}"/>'
    if name == 'Signal':
        command.kill()
        commands.pop(command.id, None)
        return f'<rsp:SignalResponse xmlns:rsp="{RSP}"/>'
    raise Fault(2150858752, 'w:ActionNotSupported', action)

def envelope(body):
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="{S[1:-1]}" xmlns:a="{A[1:-1]}" xmlns:w="{W[1:-1]}"><s:Header><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID></s:Header><s:Body>{body}</s:Body></s:Envelope>'.encode()

def fault_body(fault):
    return f'<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{escape(fault.message)}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{fault.code}" Machine="test"><f:Message>{escape(fault.message)}</f:Message></f:WSManFault></s:Detail></s:Fault>'

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    server_version = 'Microsoft-HTTPAPI/2.0'
    context = None

    def log_message(self, *args):
        pass

    def reply(self, status, data=b'', kind='application/soap+xml;charset=UTF-8', headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if data:
            self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, token=None):
        ways = settings['auth']
        headers = []
        if 'ntlm' in ways:
            headers.append(('WWW-Authenticate', 'Negotiate' + (' ' + base64.b64encode(token).decode() if token else '')))
        if 'basic' in ways and token is None:
            headers.append(('WWW-Authenticate', 'Basic realm="WSMAN"'))
        self.reply(401, headers=headers)

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        tls = isinstance(self.connection, ssl.SSLSocket)
        given = self.headers.get('Authorization', '')
        if given.startswith('Negotiate ') and 'ntlm' in settings['auth']:
            return self.negotiate(base64.b64decode(given[10:]), tls)
        if given.startswith('Basic ') and 'basic' in settings['auth'] and (tls or settings.get('unencrypted')):
            if base64.b64decode(given[6:]).decode() != f"{settings['user']}:{settings['password']}":
                return self.refuse()
            return self.answer(data, None)
        if self.context is None or not self.context.complete:
            return self.refuse()
        if tls:
            return self.answer(data, None)
        kind = self.headers.get('Content-Type', '')
        if not kind.startswith('multipart/encrypted'):
            return self.reply(401)
        match = re.search(rb'Length=(\d+)\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n', data)
        length, at = int(match.group(1)), match.end()
        head = int.from_bytes(data[at:at + 4], 'little')
        plain = self.context.unwrap_winrm(data[at + 4:at + 4 + head], data[at + 4 + head:at + 4 + head + length])
        return self.answer(plain, self.context)

    def negotiate(self, token, tls):
        if token[8:12] == b'\x01\x00\x00\x00':
            self.context = spnego.server(protocol='ntlm', options=spnego.NegotiateOptions.use_ntlm)
        try:
            out = self.context.step(token, channel_bindings=self.server.bindings if tls else None)
        except spnego.exceptions.SpnegoError as error:
            say(login='refused', why=str(error))
            self.context = None
            return self.refuse()
        if not self.context.complete:
            return self.refuse(out)
        pairs = NTClientChallengeV2.unpack(Authenticate.unpack(token).nt_challenge_response[16:]).av_pairs
        if tls and pairs.get(AvId.channel_bindings) in (None, b'\0' * 16):
            say(login='unbound')
            self.context = None
            return self.refuse()
        say(login='ok')
        self.reply(200)

    def answer(self, data, context):
        if b'/Receive<' not in data:
            return self.respond(data, context)
        with lock:
            wanted = cut_next.is_set()
            cut_next.clear()
            reading.add(self.connection)
        try:
            return cut(self.connection) if wanted else self.respond(data, context)
        finally:
            with lock:
                reading.discard(self.connection)

    def respond(self, data, context):
        try:
            if len(data) > 512_000:
                raise Fault(2150858801, 'w:EncodingLimit', 'The request exceeds the maximum envelope size.')
            text, status = envelope(handle(ET.fromstring(data))), 200
        except Fault as fault:
            text, status = envelope(fault_body(fault)), 500
        if context is None:
            return self.reply(status, text)
        sealed = context.wrap_winrm(text)
        body = (b'--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n'
                b'--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n%s%s%s--Encrypted Boundary--\r\n' % (len(text), len(sealed.header).to_bytes(4, 'little'), sealed.header, sealed.data))
        self.reply(status, body, 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"')

# Connections that wait for output; whether the next one is to be cut.
reading, cut_next = set(), threading.Event()

def cut(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    bindings = None
    def __init__(self, *args):
        super().__init__(*args)
        self.connections = set()
    def process_request(self, request, address):
        self.connections.add(request)
        super().process_request(request, address)
    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)
    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, address)

server = Server(('127.0.0.1', 0), Handler)
if 'certificate' in settings:
    from cryptography import x509
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(settings['certificate'], settings['key'])
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    import hashlib
    raw = x509.load_pem_x509_certificate(open(settings['certificate'], 'rb').read())
    digest = hashlib.new(raw.signature_hash_algorithm.name, ssl.PEM_cert_to_DER_cert(open(settings['certificate']).read())).digest()
    server.bindings = GssChannelBindings(application_data=b'tls-server-end-point:' + digest)
say(port=server.server_address[1])

def orders():
    """`drop`: cut every connection. `drop-reading`: cut the one that waits for output, or the next that does. `forget`: lose the shells, as a service that was started anew. End of input: end."""
    for line in sys.stdin:
        if line.strip() == 'drop':
            for connection in list(server.connections):
                cut(connection)
        if line.strip() == 'drop-reading':
            with lock:
                if not reading:
                    cut_next.set()
                for connection in reading:
                    cut(connection)
        if line.strip() == 'forget':
            with lock:
                gone = list(shells.values())
                shells.clear()
            for commands in gone:
                for command in commands.values():
                    command.kill()
        say(done=line.strip())
    for commands in list(shells.values()):
        for command in list(commands.values()):
            command.kill()
    os.unlink(user_file.name)
    os._exit(0)

threading.Thread(target=orders, daemon=True).start()
server.serve_forever()
