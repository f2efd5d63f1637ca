"""Stands in for Windows PowerShell, which no Debian has: it knows the scripts that we send by what is in them, and does what they say, on this computer. It proves the ways to and fro, not PowerShell."""
import base64, hashlib, os, re, subprocess, sys

def literal(text, at):
    """The single-quoted literal that begins at `at`, read as PowerShell's tokenizer does, and where it ends."""
    quotes, out = "'\u2018\u2019\u201a\u201b", ''
    at += 1
    while True:
        if text[at] in quotes:
            if at + 1 < len(text) and text[at + 1] in quotes:
                out += text[at]
                at += 2
                continue
            return out, at + 1
        out += text[at]
        at += 1

def fail(code, what):
    sys.stderr.buffer.write(str(what).encode() + b'\r\n')
    sys.stderr.flush()
    os._exit(code)

def reason(error):
    return error.strerror if isinstance(error, OSError) and error.strerror else error

state = {'file': None, 'path': '', 'part': '', 'done': False}

def take(line):
    line = re.sub('[^!-~]', '', line)
    if line == '':
        return
    kind, rest = line[0], line[1:]
    if kind == ':':
        state['file'].write(base64.b64decode(rest))
    elif kind == 'D':
        os.makedirs(base64.b64decode(rest).decode(), exist_ok=True)
    elif kind == 'F':
        path, offset = rest.split('|')
        state['path'] = os.path.abspath(base64.b64decode(path).decode())
        if os.path.isdir(state['path']):
            raise ValueError('it is a folder')
        os.makedirs(os.path.dirname(state['path']), exist_ok=True)
        state['part'] = state['path'] + '.bake-part'
        state['file'] = open(state['part'], 'ab')
        state['file'].truncate(int(offset))
    elif kind == 'E':
        state['file'].close()
        if hashlib.sha256(open(state['part'], 'rb').read()).hexdigest() != rest:
            os.unlink(state['part'])
            fail(6, 'the hash differs')
        os.replace(state['part'], state['path'])
    elif kind == 'Q':
        state['done'] = True

def lines_of(stream):
    try:
        for line in stream:
            take(line.decode('latin-1'))
    except Exception as error:
        fail(3, reason(error))
    if not state['done']:
        fail(4, 'the data ends too early')

def pull(script):
    import urllib.request
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    url = re.search(r"Create\('(http[^']*)'\)", script).group(1)
    key, iv = (base64.b64decode(b) for b in re.findall(r"FromBase64String\('([^']*)'\)", script)[:2])
    try:
        data = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).read()
    except Exception as error:
        fail(5, reason(error))
    plain = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor().update(data)
    lines_of(plain[:-plain[-1]].splitlines())

def emit(kind, text):
    sys.stdout.buffer.write((kind + text).encode() + b'\r\n')

def send_file(full, name):
    with open(full, 'rb') as file:
        emit('F', base64.b64encode(name.encode()).decode())
        sha = hashlib.sha256()
        while chunk := file.read(98304):
            sha.update(chunk)
            emit(':', base64.b64encode(chunk).decode())
        emit('E', sha.hexdigest().upper())

def send_folder(full, name):
    emit('D', base64.b64encode(name.encode()).decode())
    for entry in sorted(os.scandir(full), key=lambda e: e.name):
        if entry.is_dir(follow_symlinks=False):
            send_folder(entry.path, name + '/' + entry.name)
        elif not entry.is_dir():
            send_file(entry.path, name + '/' + entry.name)

def path_in(script):
    return os.path.abspath(literal(script, script.index("GetFullPath('") + 12)[0])

def run(script):
    if 'function Take' in script:
        return pull(script) if 'WebRequest' in script else lines_of(sys.stdin.buffer)
    if 'function Send-File' in script:
        try:
            (send_folder if 'try { Send-Folder' in script else send_file)(path_in(script), '.')
            emit('Q', '')
        except Exception as error:
            fail(3, reason(error))
        return
    if '.Length)' in script and '.bake-part' in script:
        part = path_in(script) + '.bake-part'
        sys.stdout.write(str(os.path.getsize(part) if os.path.exists(part) else 0))
        return
    if '{ exit 10 }' in script:
        path = path_in(script)
        os._exit(10 if os.path.isdir(path) else 11 if os.path.exists(path) else 0)
    if '@($input)' in script:
        return run(base64.b64decode(re.sub(rb'[^A-Za-z0-9+/=]', b'', sys.stdin.buffer.read())).decode())
    if 'LastBootUpTime' in script:
        sys.stdout.write(open(os.environ.get('BAKE_STANDIN_BOOT', '/proc/sys/kernel/random/boot_id')).read())
        return
    if '# bake step' in script:
        return step(script)
    fail(99, 'the stand-in does not know this script: ' + script[:200])

def step(script):
    fail(98, 'not yet')

encoded = sys.argv[sys.argv.index('-EncodedCommand') + 1]
run(base64.b64decode(encoded).decode('utf-16-le'))
sys.stdout.flush()
