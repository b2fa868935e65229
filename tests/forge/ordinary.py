"""Files of deployments and around them that have nothing to do with serving models.

Each in its own folder, as common projects write them: `contain` has nothing to say about any.
"""

from __future__ import annotations

ORDINARY = {
    "o01/nginx.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx}
spec: {template: {spec: {containers: [{name: nginx, image: "nginx:1.27", ports: [{containerPort: 80}]}]}}}
""",
    "o02/docker-compose.yml": """\
services:
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: x}, volumes: ["pg:/var/lib/postgresql/data"]}
  redis: {image: "redis:7", command: redis-server --save 60 1}
  web: {build: ., environment: {DATABASE_URL: "postgres://db/x", MODEL: "prod", SECRET_KEY: abc}, ports: ["80:80"]}
volumes: {pg: {}}
""",
    "o03/airflow.yaml": """\
x-airflow: &a {image: "apache/airflow:2.10.2", environment: {AIRFLOW__CORE__EXECUTOR: CeleryExecutor}}
services:
  webserver: {<<: *a, command: webserver, ports: ["8080:8080"]}
  scheduler: {<<: *a, command: scheduler}
""",
    "o04/monitoring.yaml": """\
services:
  prometheus: {image: prom/prometheus, command: ["--config.file=/etc/prometheus/prometheus.yml", "--web.enable-lifecycle"], volumes: ["./prometheus.yml:/etc/prometheus/prometheus.yml"]}
  grafana: {image: grafana/grafana, environment: {GF_SECURITY_ADMIN_PASSWORD: admin}}
  node: {image: prom/node-exporter, pid: host, network_mode: host, volumes: ["/:/host:ro,rslave"]}
  cadvisor: {image: gcr.io/cadvisor/cadvisor, privileged: true, volumes: ["/var/run:/var/run:ro", "/sys:/sys:ro"]}
  dcgm: {image: "nvcr.io/nvidia/k8s/dcgm-exporter:3.3.5", cap_add: [SYS_ADMIN]}
""",
    "o05/runner.yaml": """\
apiVersion: actions.summerwind.dev/v1alpha1
kind: RunnerDeployment
metadata: {name: r}
spec: {template: {spec: {repository: a/b, dockerdWithinRunnerContainer: true, containers: [{name: runner, image: "summerwind/actions-runner-dind"}]}}}
""",
    "o06/crd.yaml": """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: inferenceservices.serving.kserve.io}
spec:
  group: serving.kserve.io
  names: {kind: InferenceService, plural: inferenceservices}
  versions: [{name: v1beta1, schema: {openAPIV3Schema: {properties: {spec: {properties: {containers: {items: {properties: {image: {type: string}}}}}}}}}}]
""",
    "o07/.github/workflows/ci.yml": """\
name: ci
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    services:
      postgres: {image: "postgres:16", ports: ["5432:5432"]}
      ollama: {image: "ollama/ollama:latest", ports: ["11434:11434"]}
    steps:
      - uses: actions/checkout@v4
      - run: pip install vllm && pytest --model=small
""",
    "o08/docker-bake.json": """\
{"target": {"app": {"dockerfile": "Dockerfile", "tags": ["a/b:latest"]}}, "group": {"default": {"targets": ["app"]}}}
""",
    "o09/openapi.yaml": """\
openapi: 3.1.0
info: {title: Chat, version: "1"}
paths:
  /v1/models: {get: {operationId: list, responses: {"200": {description: ok}}}}
components: {schemas: {Model: {type: object, properties: {model: {type: string, example: meta-llama/Llama-3-8B}}}}}
""",
    "o10/playbook.yml": """\
- hosts: web
  become: true
  tasks:
    - name: nginx
      ansible.builtin.apt: {name: nginx, state: present}
    - name: svc
      ansible.builtin.service: {name: nginx, state: started}
""",
    "o11/sshd.service": """\
[Unit]
Description=OpenSSH
[Service]
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
Restart=on-failure
""",
    "o12/postgresql.service": """\
[Service]
Type=notify
User=postgres
Environment=PGDATA=/var/lib/pgsql/data
ExecStart=/usr/bin/postmaster -D ${PGDATA}
""",
    "o13/Dockerfile": """\
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app.wsgi", "--workers", "4"]
""",
    "o14/Dockerfile.node": """\
FROM node:22 AS build
RUN npm ci && npm run build
FROM nginx:alpine
COPY --from=build /app/dist /usr/share/nginx/html
""",
    "o15/kafka.yaml": """\
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata: {name: k}
spec: {kafka: {replicas: 3, template: {pod: {securityContext: {runAsUser: 0}}}}}
""",
    "o16/spark.yaml": """\
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {name: s}
spec: {image: "spark:3.5", driver: {cores: 1}, executor: {instances: 2}}
""",
    "o17/ray.yaml": """\
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: etl}
spec:
  entrypoint: python /app/etl.py --input s3://bucket/data
  rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{name: ray-head, image: "rayproject/ray:2.40.0"}]}}}}
""",
    "o19/jupyter.yaml": """\
services:
  jupyter: {image: "quay.io/jupyter/scipy-notebook", ports: ["8888:8888"], volumes: ["./work:/home/jovyan/work"]}
""",
    "o20/vector.yaml": """\
services:
  qdrant: {image: "qdrant/qdrant:v1.12", ports: ["6333:6333"]}
  weaviate: {image: "semitechnologies/weaviate:1.27"}
  chroma: {image: chromadb/chroma}
""",
    "o21/mlflow.yaml": """\
services:
  mlflow: {image: "ghcr.io/mlflow/mlflow:v2.17", command: mlflow server --backend-store-uri postgresql://x --host 0.0.0.0, ports: ["5000:5000"]}
""",
    "o22/triton.yaml": """\
services:
  build: {image: "ghcr.io/openai/triton-build:latest", command: python setup.py bdist_wheel}
""",
    "o23/cert.yaml": """\
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: c}
spec: {secretName: tls, dnsNames: [a.example], issuerRef: {name: le, kind: ClusterIssuer}}
""",
    "o24/ingress.yaml": """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
""",
    "o25/ds.yaml": """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: nvidia-device-plugin}
spec: {template: {spec: {containers: [{image: "nvcr.io/nvidia/k8s-device-plugin:v0.16.2", name: p, securityContext: {privileged: true}}]}}}
""",
    "o26/sd.yaml": """\
services:
  minio: {image: minio/minio, command: "server /data", environment: {MINIO_ROOT_PASSWORD: x}}
  mc: {image: minio/mc, entrypoint: "mc mirror s3/models /data"}
""",
    "o27/keycloak.yaml": """\
services:
  keycloak: {image: "quay.io/keycloak/keycloak:26", command: start-dev --import-realm, environment: {KC_DB: postgres}}
""",
    "o28/home.yaml": """\
services:
  homeassistant: {image: ghcr.io/home-assistant/home-assistant:stable, privileged: true, network_mode: host}
  frigate: {image: ghcr.io/blakeblackshear/frigate:stable, shm_size: 512mb, devices: [/dev/dri], volumes: ["/etc/localtime:/etc/localtime:ro"]}
""",
    "o29/backup.service": """\
[Service]
Type=oneshot
ExecStart=/usr/bin/docker run --rm -v /var/lib:/data:ro restic/restic backup /data
""",
    "o30/kustomization.yaml": """\
resources: [web.yaml]
namePrefix: prod-
configMapGenerator: [{name: c, literals: [A=b]}]
""",
    "o30/web.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
""",
    "o31/helmchart/templates/dep.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec: {template: {spec: {containers: [{name: web, image: "{{ .Values.image }}"}]}}}
""",
    "o32/tabby.yaml": """\
services:
  tabby-terminal: {image: eugeny/tabby-web, ports: ["9090:80"]}
  infinity-metrics: {image: "acme/infinity-dashboard:1"}
""",
    "o33/argocd.yaml": """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: vllm-docs}
spec: {source: {repoURL: "https://example.org/x", path: charts/docs}, destination: {namespace: d}}
""",
    "o34/model.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: model-config}
data: {MODEL: "resnet", config.yaml: "model: gpt2\\nvllm: true\\n"}
""",
    "o35/dvc.yaml": """\
stages:
  train: {cmd: python train.py --model bert-base-uncased, deps: [data], outs: [model.pkl]}
""",
    "o36/celery.yaml": """\
services:
  worker: {build: ., command: "celery -A app worker --pool=solo --model x", environment: {MODEL_PATH: /app/models/car.obj}}
""",
    "o37/django.yaml": """\
services:
  web: {image: "registry.example/shop:1", command: "python manage.py runserver 0.0.0.0:8000", environment: {MODEL_NAME: "Product", DEFAULT_MODEL: user}}
""",
    "o39/argowf.yaml": """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: w-}
spec: {entrypoint: a, templates: [{name: a, container: {image: "alpine:3", command: [sh, -c, "echo vllm"]}}]}
""",
    "o40/run.sh": """\
#!/bin/sh
docker run --rm -v "$PWD":/w -w /w golang:1.23 go test ./...
docker build -t x .
""",
    "p01/d.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: vllm-router}
spec: {template: {spec: {containers: [{name: router, image: "lmcache/lmstack-router:latest", args: ["--port", "8000", "--service-discovery", "k8s"]}]}}}
""",
    "p02/d.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: kserve-controller-manager}
spec: {template: {spec: {containers: [{name: manager, image: "kserve/kserve-controller:v0.15.0", command: [/manager]}]}}}
""",
    "p03/hpa.yaml": """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: vllm}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: vllm}, minReplicas: 1, maxReplicas: 3}
""",
    "p04/sm.yaml": """\
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: vllm}
spec: {selector: {matchLabels: {app: vllm}}, endpoints: [{port: http}]}
""",
    "p05/vs.yaml": """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ollama}
spec: {hosts: [x], http: [{route: [{destination: {host: ollama}}]}]}
""",
    "p06/exporter.yml": """\
services:
  ollama-exporter: {image: "ghcr.io/frcooper/ollama-exporter:1", ports: ["9400:8000"]}
  triton-metrics: {image: "acme/triton-exporter:2"}
""",
    "p07/test.sh": """\
#!/bin/bash
docker run --rm --gpus all nvidia/cuda:12.4.0-base-ubuntu22.04 nvidia-smi
docker run --rm -v $PWD:/src python:3.12 pytest tests --model small
""",
    "p08/Makefile": """\
lint:
	docker run --rm -v $(PWD):/w hadolint/hadolint hadolint Dockerfile
test:
	docker run --rm -e MODEL_NAME=test myapp:latest pytest
""",
    "p09/label.yml": """\
services:
  label-studio: {image: "heartexlabs/label-studio:latest", ports: ["8080:8080"]}
  argilla: {image: "argilla/argilla-server:latest", environment: {ARGILLA_AUTH_SECRET_KEY: x}}
  n8n: {image: "n8nio/n8n", environment: {N8N_BASIC_AUTH_ACTIVE: "true"}}
""",
    "p11/w.yml": """\
services:
  ml-trainer: {image: "pytorch/pytorch:2.5", command: "python train.py --epochs 3 --model resnet50", volumes: [".:/w"]}
""",
    "p12/cron.yaml": """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {containers: [{name: b, image: "amazon/aws-cli", command: [aws, s3, sync, /data, "s3://backups/models/"], env: [{name: AWS_ACCESS_KEY_ID, value: x}]}]}}}}}
""",
    "p13/model.yaml": """\
apiVersion: sagemaker.services.k8s.aws/v1alpha1
kind: Model
metadata: {name: m}
spec: {modelName: m, executionRoleARN: "arn:x", primaryContainer: {image: "1.dkr.ecr.us-east-1.amazonaws.com/x:1"}}
""",
    "p14/chart/Chart.yaml": """\
apiVersion: v2
name: web
dependencies: [{name: postgresql, version: "12", repository: "https://charts.example"}]
""",
    "p14/chart/values.yaml": """\
image: {repository: nginx, tag: "1"}
service: {type: LoadBalancer}
""",
    "p14/chart/templates/svc.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {type: {{ .Values.service.type }}}
""",
    "p15/k3s.service": """\
[Service]
ExecStart=/usr/local/bin/k3s server --disable traefik
""",
    "p16/node.container": """\
[Container]
Image=docker.io/prom/node-exporter
Network=host
""",
    "p17/x.service": """\
[Service]
ExecStart=/usr/bin/python3 -m http.server 8000
Environment=MODEL=prod
""",
    "p18/y.service": """\
[Service]
ExecStart=/usr/bin/docker compose -f /opt/app/compose.yaml up
""",
    "p19/Dockerfile": """\
FROM nvidia/cuda:12.4.0-devel
RUN pip install torch transformers && huggingface-cli --help
CMD ["bash"]
""",
    "p20/wf.yaml": """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec: {steps: [{name: b, image: "gcr.io/kaniko-project/executor", args: ["--dockerfile=Dockerfile", "--destination=x/vllm-app"]}]}
""",
    "p21/gpu.yaml": """\
apiVersion: nvidia.com/v1
kind: ClusterPolicy
metadata: {name: gpu-cluster-policy}
spec: {operator: {defaultRuntime: containerd}, driver: {enabled: true, image: driver}, toolkit: {enabled: true}}
""",
    "p22/es.yml": """\
services:
  es: {image: "docker.elastic.co/elasticsearch/elasticsearch:8.15.0", environment: ["discovery.type=single-node", "ES_JAVA_OPTS=-Xms1g"]}
  kibana: {image: "docker.elastic.co/kibana/kibana:8.15.0"}
""",
    "p24/tf.yml": """\
services:
  tensorboard: {image: "tensorflow/tensorflow:2.17", command: tensorboard --logdir /logs --host 0.0.0.0}
""",
    "p25/flow.yml": """\
services:
  web: {image: "ghcr.io/acme/flowise-theme:1"}
  docs: {image: "acme/langflow-docs"}
  whisperer: {image: "acme/whisper-network:2"}
""",
    "p26/cm.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: env}
data: {HF_TOKEN: x, MODEL_ID: a/b}
""",
    "p27/sec.yaml": """\
apiVersion: v1
kind: Secret
metadata: {name: hf}
stringData: {HF_TOKEN: x}
""",
    "p29/dev.yml": """\
services:
  dev: {build: {context: ., dockerfile: .devcontainer/Dockerfile}, command: sleep infinity, volumes: ["..:/w:cached", "/var/run/docker.sock:/var/run/docker.sock"], privileged: true}
""",
    "p30/mail.yml": """\
services: {mail: {image: "mailserver/docker-mailserver", cap_add: [NET_ADMIN]}, triton: {image: "acme/triton-game-server:1"}, goose: {image: "gomicro/goose", command: "goose -dir /migrations postgres up"}}
""",
}
"""Content by path; what lies in one folder belongs together."""
