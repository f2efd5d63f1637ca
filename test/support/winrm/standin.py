"""Stands in for Windows PowerShell, which no Debian has: it knows the scripts that we send by what is in them, and does what they say, on this computer. It proves the ways to and fro, not PowerShell."""
import base64, hashlib, os, re, subprocess, sys, tempfile

def place(path):
    """Where a path of the guest lies: its drive is a folder."""
    return os.path.abspath(os.path.join(os.environ.get('BAKE_STANDIN_FOLDER', '/'), path.replace('\\', '/').replace('C:/', 'C/')))

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
        os.makedirs(place(base64.b64decode(rest).decode()), exist_ok=True)
    elif kind == 'F':
        path, offset = rest.split('|')
        state['path'] = place(base64.b64decode(path).decode())
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
    return place(literal(script, script.index("GetFullPath('") + 12)[0])

def run(script):
    if '# bake step' in script:
        return step(script)
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
        sys.stdout.write(open(os.environ['BAKE_STANDIN_BOOT']).read())
        return
    if 'Test-Path' in script:
        keys, pending = re.findall("HK[^']*", script), os.environ.get('BAKE_STANDIN_REGISTRY', '')
        there = os.path.exists(pending) and any(open(pending).read() in key for key in keys)
        if there:
            os.unlink(pending)
            fail(1, 'still there')
        return
    fail(99, 'the stand-in does not know this script: ' + script[:200])

def step(script):
    """Sets the variables, writes the files, runs the script by sh, removes the files: what a step's text says, found by its literals."""
    put, path = {}, None
    env = dict(os.environ)
    for match in re.finditer(r"SetEnvironmentVariable\((')", script):
        name, at = literal(script, match.start(1))
        env[name] = literal(script, script.index("'", at))[0]
    for match in re.finditer(r"^Put (')", script, re.M):
        path, at = literal(script, match.start(1))
        code = re.match(r" \(\[Convert\]::FromBase64String\('([^']*)'\)\)", script[at:])
        put[path] = base64.b64decode(code.group(1)) if code else base64.b64decode(re.search(r"\$text = .*FromBase64String\('([^']*)'\)", script).group(1))
    ran = re.search(r"^& (?:\$env:ComSpec /d /c )?\(\[IO\.Path\]::GetFullPath\((')", script, re.M)
    for path, content in put.items():
        os.makedirs(os.path.dirname(place(path)), exist_ok=True)
        open(place(path), 'wb').write(content)
    code = 0
    if ran:
        path = literal(script, ran.start(1))[0]
        text = open(place(path), 'rb').read().decode('utf-8-sig').replace('\r\n', '\n').replace('@echo off\n', '')
        text = re.sub(r'^if not "%errorlevel%".*$', '[ $? = 0 ] || exit $?', text, flags=re.M)
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as file:
            file.write(text)
            file.flush()
            code = subprocess.call(['/bin/sh', file.name], env=env, stdin=subprocess.DEVNULL)
    clean = re.search(r"foreach \(\$path in @\((.*)\)\) \{ try", script)
    at = clean.start(1) if clean else None
    while at is not None and script[at] == "'":
        path, at = literal(script, at)
        if os.path.exists(place(path)):
            os.unlink(place(path))
        at = at + 2 if script[at:at + 2] == ', ' else None
    os._exit(code)

encoded = sys.argv[sys.argv.index('-EncodedCommand') + 1]
run(base64.b64decode(encoded).decode('utf-16-le'))
sys.stdout.flush()
