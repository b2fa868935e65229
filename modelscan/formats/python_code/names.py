"""The library functions whose meaning decides what a piece of Python can do.

The names here say what a call *is*; how bad that is, the rules say. A name that is not here is not
dangerous by itself. Names are canonical: `posix.system` counts as `os.system`.
"""

from __future__ import annotations

from typing import Final

_PROCESS = [
    "os.system", "os.popen", "os.popen2", "os.popen3", "os.popen4", "os.startfile", "os.forkpty",
    "os.execl", "os.execle", "os.execlp", "os.execlpe", "os.execv", "os.execve", "os.execvp",
    "os.execvpe", "os.spawnl", "os.spawnle", "os.spawnlp", "os.spawnlpe", "os.spawnv", "os.spawnve",
    "os.spawnvp", "os.spawnvpe", "os.posix_spawn", "os.posix_spawnp", "subprocess.run",
    "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen",
    "subprocess.getoutput", "subprocess.getstatusoutput", "_posixsubprocess.fork_exec",
    "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell",
    "asyncio.subprocess.create_subprocess_exec", "asyncio.subprocess.create_subprocess_shell",
    "asyncio.get_event_loop.subprocess_shell", "asyncio.get_event_loop.subprocess_exec",
    "asyncio.get_running_loop.subprocess_shell", "asyncio.get_running_loop.subprocess_exec",
    "asyncio.new_event_loop.subprocess_shell", "asyncio.new_event_loop.subprocess_exec",
    "pty.spawn", "pty.fork", "commands.getoutput", "commands.getstatusoutput", "platform.popen",
    "popen2.popen2", "popen2.popen3", "psutil.Popen", "pexpect.spawn", "pexpect.run",
    "pexpect.spawnu", "distutils.spawn.spawn", "setuptools._distutils.spawn.spawn",
    "numpy.distutils.exec_command.exec_command", "IPython.get_ipython.system",
    "IPython.get_ipython.getoutput", "get_ipython.system", "get_ipython.getoutput", "invoke.run",
    "win32api.ShellExecute", "win32api.WinExec", "win32com.client.Dispatch",
]  # fmt: skip

_RUNS = [
    "exec", "eval", "execfile", "runpy.run_module", "code.interact",
    "code.InteractiveInterpreter.runcode", "code.InteractiveInterpreter.runsource",
    "code.InteractiveConsole.push", "code.InteractiveConsole.runcode",
    "code.InteractiveConsole.runsource", "types.FunctionType", "types.LambdaType", "types.CodeType",
    "timeit.timeit", "timeit.repeat", "timeit.Timer", "cProfile.run", "cProfile.runctx",
    "profile.run", "profile.runctx", "pdb.run", "pdb.runeval", "bdb.Bdb.run", "bdb.Bdb.runeval",
    "trace.Trace.run", "trace.Trace.runctx", "ctypes.pythonapi.PyRun_SimpleString",
    "ctypes.pythonapi.PyEval_EvalCode", "test.support.run_code", "_xxsubinterpreters.run_string",
    "_testcapi.run_in_subinterp", "logging.config.listen", "IPython.get_ipython.run_cell",
    "get_ipython.run_cell", "IPython.get_ipython.ex", "get_ipython.ex",
    "importlib.machinery.SourcelessFileLoader.load_module", "imp.load_compiled",
    "zipimport.zipimporter.load_module",
]  # fmt: skip

PATH_ARGUMENT: Final = {
    "runpy.run_path": 0, "importlib.util.spec_from_file_location": 1, "imp.load_source": 1,
    "importlib.machinery.SourceFileLoader": 1, "_frozen_importlib_external.SourceFileLoader": 1,
    "importlib._bootstrap_external.SourceFileLoader": 1,
}  # fmt: skip
"""Calls that run the file whose path is this argument, whatever its name ends in."""

_UPLOADS = [
    "socket.socket", "socket.create_connection", "socket.create_server", "socket.fromfd",
    "socketserver.TCPServer", "http.client.HTTPConnection", "http.client.HTTPSConnection",
    "httplib.HTTPConnection", "requests.post", "requests.put", "requests.patch", "requests.delete",
    "requests.request", "requests.Session", "requests.session", "httpx.post", "httpx.put",
    "httpx.patch", "httpx.request", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession",
    "urllib3.PoolManager", "urllib3.request", "pycurl.Curl", "pycurl.Curl.perform",
    "aiohttp.ClientSession.post", "aiohttp.ClientSession.put", "aiohttp.ClientSession.request",
    "aiohttp.ClientSession.ws_connect", "urllib3.PoolManager.urlopen",
    "ftplib.FTP", "ftplib.FTP_TLS",
    "smtplib.SMTP", "smtplib.SMTP_SSL", "telnetlib.Telnet", "poplib.POP3", "imaplib.IMAP4",
    "xmlrpc.client.ServerProxy", "xmlrpclib.ServerProxy", "asyncio.open_connection",
    "asyncio.start_server", "websocket.create_connection", "websocket.WebSocketApp",
    "websockets.connect", "websockets.sync.client.connect", "paramiko.SSHClient",
    "paramiko.Transport", "dns.resolver.resolve", "dns.resolver.query", "http.server.HTTPServer",
    "http.server.ThreadingHTTPServer", "xmlrpc.server.SimpleXMLRPCServer", "webbrowser.open",
]  # fmt: skip

CLIENTS: Final = frozenset({
    "requests.Session", "requests.session", "httpx.Client", "httpx.AsyncClient",
    "aiohttp.ClientSession", "urllib3.PoolManager", "pycurl.Curl",
})  # fmt: skip
"""Objects that open a connection when a method of theirs is called, and not when they are made."""

_FETCHES = [
    "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.request.build_opener",
    "urllib.request.URLopener", "urllib.request.FancyURLopener", "urllib2.urlopen",
    "urllib.urlopen", "urllib.urlretrieve", "requests.get", "requests.head", "httpx.get",
    "httpx.head", "httpx.stream", "wget.download", "gdown.download", "gdown.download_folder",
    "torch.hub.download_url_to_file", "torchvision.datasets.utils.download_url",
    "urllib3.PoolManager.request", "aiohttp.ClientSession.get",
]  # fmt: skip

_NATIVE = [
    "ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.OleDLL", "ctypes.cdll.LoadLibrary",
    "ctypes.windll.LoadLibrary", "ctypes.oledll.LoadLibrary", "ctypes.pydll.LoadLibrary",
    "_ctypes.dlopen", "cffi.FFI.dlopen", "numpy.ctypeslib.load_library",
    "torch.ops.load_library", "torch.classes.load_library", "tensorflow.load_op_library",
    "tensorflow.load_library", "imp.load_dynamic", "_imp.create_dynamic",
    "importlib.machinery.ExtensionFileLoader",
]  # fmt: skip

_COMPILES = [
    "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline", "cffi.FFI.verify",
    "cffi.FFI.compile", "cupy.RawModule", "cupy.RawKernel", "cppyy.cppdef", "cppyy.load_library",
]  # fmt: skip

_MEMORY = [
    "ctypes.windll.kernel32.VirtualAlloc", "ctypes.windll.kernel32.CreateThread",
    "ctypes.windll.kernel32.RtlMoveMemory", "ctypes.windll.kernel32.CreateRemoteThread",
    "ctypes.windll.kernel32.WriteProcessMemory", "ctypes.windll.kernel32.VirtualProtect",
]  # fmt: skip

_DESERIALISES = [
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "cPickle.loads",
    "_pickle.load", "_pickle.loads", "dill.load", "dill.loads", "cloudpickle.load",
    "cloudpickle.loads", "joblib.load", "sklearn.externals.joblib.load", "shelve.open",
    "pandas.read_pickle", "torch.load", "jsonpickle.decode", "yaml.unsafe_load", "yaml.full_load",
    "hickle.load", "skops.io.loads", "numpy.load", "yaml.load",
    "torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url",
    "keras.config.enable_unsafe_deserialization",
    "tensorflow.keras.config.enable_unsafe_deserialization",
]  # fmt: skip

_REMOTE = [
    "torch.hub.load", "transformers.dynamic_module_utils.get_class_from_dynamic_module",
    "transformers.dynamic_module_utils.get_cached_module_file", "kernels.get_kernel",
]  # fmt: skip

BEHAVIOURS: Final[dict[str, str]] = {
    **dict.fromkeys(_PROCESS, "starts-process"),
    **dict.fromkeys(_RUNS, "runs-code"),
    **dict.fromkeys(_UPLOADS, "network"),
    **dict.fromkeys(_FETCHES, "network"),
    **dict.fromkeys(_NATIVE, "loads-native-code"),
    **dict.fromkeys(_COMPILES, "compiles-native-code"),
    **dict.fromkeys(_MEMORY, "runs-code"),
    **dict.fromkeys(_DESERIALISES, "deserialises"),
    **dict.fromkeys(_REMOTE, "loads-remote-code"),
    "marshal.loads": "deserialises",
    "marshal.load": "deserialises",
    **dict.fromkeys(PATH_ARGUMENT, "runs-file"),
    "pip.main": "installs-packages",
    "pip._internal.main": "installs-packages",
    "pip._internal.cli.main.main": "installs-packages",
    "setuptools.command.easy_install.main": "installs-packages",
}
"""What a call of each canonical name does; the arguments may say more (`judging`)."""

FETCHES: Final = frozenset(_FETCHES)
"""The calls that ask for data and, without a body, send none."""
EXECUTORS: Final = frozenset({"exec", "eval", "execfile", "timeit.timeit", "timeit.repeat"})
"""Calls whose first argument is source, and which are harmless when that source is."""
DATA_HELPERS: Final = frozenset({
    "wget.download", "gdown.download", "gdown.download_folder", "torch.hub.download_url_to_file",
    "torchvision.datasets.utils.download_url",
})  # fmt: skip
"""Calls that fetch a file of data for a library."""

DATA_CONSUMERS: Final = frozenset({
    "PIL.Image.open", "Image.open", "io.BytesIO", "io.StringIO", "json.load", "json.loads",
    "cv2.imdecode", "numpy.frombuffer", "soundfile.read", "librosa.load", "torchaudio.load",
    "pandas.read_csv", "pandas.read_json", "numpy.asarray", "imageio.imread", "decord.VideoReader",
    "bs4.BeautifulSoup",
})  # fmt: skip
"""Functions that read what they are given as data: an image, a table."""

SENSITIVE_MODULES: Final = frozenset({
    "os", "posix", "nt", "sys", "subprocess", "builtins", "__builtin__", "__builtins__",
    "importlib", "ctypes", "socket", "pty", "marshal", "runpy", "shutil", "pickle",
})  # fmt: skip
"""Modules in which a name that nobody can read is a way to hide."""
TELLING_ATTRIBUTES: Final = frozenset({
    "system", "popen", "Popen", "check_output", "check_call", "execv", "execve", "execl", "spawn",
    "getoutput", "exec", "eval", "urlopen", "__import__", "import_module", "run_path", "CDLL",
})  # fmt: skip
"""Attributes that give a module away whose own name is computed."""

_SAME_MODULE: Final = {
    "posix": "os", "nt": "os", "_socket": "socket", "__builtin__": "builtins",
    "__builtins__": "builtins", "_io": "io",
    "urllib2": "urllib.request", "cPickle": "pickle", "_pickle": "pickle", "_ctypes": "ctypes",
}  # fmt: skip


_SAME_OBJECT: Final = (
    ("requests.Session.", "requests."), ("requests.session.", "requests."),
    ("requests.sessions.Session.", "requests."), ("httpx.Client.", "httpx."),
    ("httpx.AsyncClient.", "httpx."),
)  # fmt: skip
"""Clients whose methods are called, and do, what the functions of their module are and do."""


def canonical(name: str) -> str:
    """The name that a call goes by: without the brackets of results, and by its usual module.

    A module that another one merely holds, as in `shutil.os.system`, counts as itself.
    """
    plain = name.replace("()", "").removesuffix(".__call__")
    if plain.startswith("."):
        return plain  # relative import: the repository's own module, which is read too
    parts = plain.split(".")
    for index in range(len(parts) - 2, 0, -1):
        if _SAME_MODULE.get(parts[index]) == "builtins" or (
            parts[index] in SENSITIVE_MODULES and ".".join(parts[index:]) in BEHAVIOURS
        ):
            parts = parts[index:]
            break
    parts[:1] = _SAME_MODULE.get(parts[0], parts[0]).split(".")
    if parts[0] == "builtins" and len(parts) > 1:
        del parts[0]
    found = ".".join(parts)
    for prefix, module in _SAME_OBJECT:
        if found.startswith(prefix):
            return module + found.removeprefix(prefix)
    return found


def behaviour_of(name: str) -> tuple[str, str]:
    """What calling a canonical name does, and the name to report it by; empty for nothing known.

    The method of an object that a known call made, such as `socket.socket.connect`, counts as that
    call.
    """
    found = BEHAVIOURS.get(name)
    while not found and name.count(".") > 1:
        name = name.rpartition(".")[0]
        found = BEHAVIOURS.get(name) if name in _MAKERS else None
    return (found, name) if found else ("", "")


_MAKERS: Final = frozenset(_UPLOADS) | {"pickle.Unpickler", "urllib.request.build_opener"}
"""Calls that make an object which does the rest."""
