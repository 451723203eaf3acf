"""Training networks: the trainer, checkpoints, fine-tuning, distillation, several processes."""
