// Audits the model of bias-audit.yaml. Exit codes: bias-audit explain exit-1.
pipeline {
  agent { docker { image 'python:3.12' } }
  environment {
    BIAS_AUDIT = 'bias-audit==@VERSION@' // what pip installs: a version, a wheel, or git+https://... at a commit
    PIP_EXTRA_INDEX_URL = 'https://download.pytorch.org/whl/cpu' // torch without CUDA: a tenth of the size
    HF_HOME = "${env.WORKSPACE}/.cache/huggingface"
  }
  options { timeout(time: 1, unit: 'HOURS') }
  stages {
    stage('Bias audit') {
      steps {
        sh 'python -m venv .venv && .venv/bin/pip install "$BIAS_AUDIT"'
        sh '.venv/bin/bias-audit run --strict -o bias-audit-run --force --format junit,sarif --progress plain'
      }
    }
  }
  post {
    always {
      junit testResults: 'bias-audit-run/junit.xml', allowEmptyResults: true
      // A page that Jenkins shows whole: its content policy forbids style and script inside one.
      sh 'test ! -f bias-audit-run/results.json || .venv/bin/bias-audit report bias-audit-run --layout folder -o bias-audit-page'
      archiveArtifacts artifacts: 'bias-audit-run/**,bias-audit-page/**', allowEmptyArchive: true
    }
  }
}
